import type { EmailVerification } from '../accounts/email-verification.js'
import type { Recovery } from '../accounts/recovery.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { namedEmail } from '../routes/named-email.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, pageQuery, required } from './form-page.js'
import type { Pages } from './pages.js'

interface MailPagesDependencies {
  readonly pages: Pages
  readonly recovery: Recovery
  readonly emails: EmailVerification
}

/** GET and POST /forgot-password, GET and POST /resend-email, GET /check-mail */
export function addMailPages(app: App, { pages, recovery, emails }: MailPagesDependencies): void {
  addRequest(app, pages, {
    path: '/forgot-password',
    keys: { title: 'forgot-password.title', text: 'forgot-password.text', submit: 'forgot-password.submit' },
    send: (email, origin) => recovery.forgot(email, origin),
  })
  addRequest(app, pages, {
    path: '/resend-email',
    keys: { title: 'resend-email.title', text: 'resend-email.text', submit: 'resend-email.submit' },
    send: (email, origin) => emails.requestLink(email, origin),
  })
  const options = { schema: { hide: true, querystring: pageQuery }, config: { page: true } } as const
  app.get('/check-mail', options, async (request, reply) => {
    const page = await pages.open(request, reply)
    const { t, href } = page
    const main = html`<p>${t('check-mail.text')}</p><p class="hint">${t('check-mail.spam')}</p>
<p class="links"><a href="${href('/sign-in')}">${t('check-mail.sign-in')}</a></p>`
    return page.send({ title: t('check-mail.title'), main })
  })
}

/** A page that requests an e-mail to an address. The answer is the same for every address. */
interface MailRequestPage {
  readonly path: string
  readonly keys: { readonly title: string; readonly text: string; readonly submit: string }
  send(email: string, origin: ReturnType<typeof originOf>): Promise<void>
}

function addRequest(app: App, pages: Pages, { path, keys, send }: MailRequestPage): void {
  addFormPage(app, {
    path,
    config: { limit: 'recovery', named: namedEmail },
    rules: { email: required(320) },
    open: (request, reply) => pages.open(request, reply),
    show: (page, state) => {
      const { t, href } = page
      const email = field(page, state, {
        name: 'email',
        label: t('common.email'),
        type: 'email',
        autocomplete: 'username',
        inputmode: 'email',
        autofocus: true,
      })
      const main = html`<p>${t(keys.text)}</p>${form(state, html`${email}${submit(t(keys.submit))}`)}
<p class="links"><a href="${href('/sign-in')}">${t('check-mail.sign-in')}</a></p>`
      return { title: t(keys.title), main }
    },
    submit: async (page, { email }) => {
      await send(email, originOf(page.request))
      return page.redirect('/check-mail')
    },
  })
}
