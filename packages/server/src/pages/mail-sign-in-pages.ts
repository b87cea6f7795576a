import type { FastifyReply } from 'fastify'
import { type MailAnswer, type MailSignIn, mailSignInTtlSec } from '../accounts/mail-sign-in.js'
import type { MailSignInMode } from '../config/settings.js'
import { factorFailures } from '../factors/failures.js'
import { html } from '../html.js'
import type { App } from '../http/app.js'
import { originOf } from '../routes/caller.js'
import { namedEmail } from '../routes/named-email.js'
import { cookiesOf, deviceCookie } from '../routes/session-cookies.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, required } from './form-page.js'
import type { FormState } from './form-state.js'
import { linkFaults, linkField, linkRule, tokenIn } from './link-form.js'
import type { Page, PageView } from './page.js'
import type { Pages } from './pages.js'
import { keepPending, pendingOf } from './pending-mail-sign-in.js'
import { type AskingDependencies, askSecondFactor } from './second-factor-page.js'

interface MailSignInDependencies extends AskingDependencies {
  readonly pages: Pages
  readonly mailSignIn: MailSignIn
}

const requestPath = '/sign-in/mail'
const codePath = '/sign-in/code'
const linkPath = '/sign-in/link'

/** The pages of a sign-in by mail, as far as the setting offers it. */
export function addMailSignInPages(
  app: App,
  { mode, ...dependencies }: MailSignInDependencies & { readonly mode: MailSignInMode },
): void {
  if (mode === 'off') return
  addRequestPage(app, dependencies, mode)
  if (mode !== 'link') addCodePage(app, dependencies)
  if (mode !== 'code') addLinkPage(app, dependencies)
}

/** GET and POST /sign-in/mail: requests the e-mail. */
function addRequestPage(app: App, { pages, mailSignIn, cookies }: MailSignInDependencies, mode: MailSignInMode): void {
  addFormPage(app, {
    path: requestPath,
    config: { limit: 'recovery', named: namedEmail },
    rules: { email: required(320) },
    open: (request, reply) => pages.open(request, reply),
    show: requestView,
    submit: async (page, { email }) => {
      const { request, reply } = page
      const [device] = cookiesOf(request, deviceCookie)
      const { token } = await mailSignIn.request(email, originOf(request), device)
      const target = page.target()?.location
      keepPending(cookies, reply, { token, target }, mailSignInTtlSec)
      if (mode === 'link') return page.redirect('/check-mail', { notice: 'same-browser' })
      return page.redirect(codePath, { return_to: target })
    },
  })
}

function requestView(page: Page, state: FormState): PageView {
  const { t, href } = page
  const email = field(page, state, {
    name: 'email',
    label: t('common.email'),
    type: 'email',
    autocomplete: 'username',
    inputmode: 'email',
    autofocus: true,
  })
  const main = html`<p>${t('mail-sign-in.text')}</p>
${form(state, html`${email}${submit(t('mail-sign-in.submit'))}`)}
<p class="links"><a href="${href('/sign-in', { return_to: page.target()?.location })}">${t('check-mail.sign-in')}</a></p>`
  return { title: t('mail-sign-in.title'), main }
}

/** GET and POST /sign-in/code: completes the sign-in by the code. */
function addCodePage(app: App, dependencies: MailSignInDependencies): void {
  const { pages } = dependencies
  addFormPage(app, {
    path: codePath,
    config: { limit: 'login' },
    rules: { code: required(64) },
    faults: { mail_code_wrong: 'code' },
    open: (request, reply) => pages.open(request, reply),
    skip: async (page) => {
      if (pendingOf(page.request) !== undefined) return false
      page.redirect(requestPath, { return_to: page.target()?.location })
      return true
    },
    show: codeView,
    submit: (page, { code }) => complete(page, { code }, dependencies),
  })
}

function codeView(page: Page, state: FormState): PageView {
  const { t } = page
  const code = field(page, state, {
    name: 'code',
    label: t('mail-sign-in.code'),
    autocomplete: 'one-time-code',
    inputmode: 'numeric',
    autofocus: true,
    keeps: false,
  })
  const main = html`<p>${t('mail-sign-in.code-text')}</p><p class="hint">${t('check-mail.spam')}</p>
${form(state, html`${code}${submit(t('sign-in.submit'))}`)}
${againLink(page)}`
  return { title: t('mail-sign-in.title'), main, leadsTo: page.target()?.origin }
}

/** GET and POST /sign-in/link: completes the sign-in by the mailed link. */
function addLinkPage(app: App, dependencies: MailSignInDependencies): void {
  const { pages } = dependencies
  addFormPage(app, {
    path: linkPath,
    config: { limit: 'login' },
    rules: { link: linkRule },
    faults: { ...linkFaults, mail_link_elsewhere: 'link' },
    open: (request, reply) => pages.open(request, reply),
    skip: async (page) => {
      const target = pendingOf(page.request)?.target
      if (target === undefined || page.target() !== undefined) return false
      // The address of the page names where it leads to, as that of every page of a sign-in does.
      // Browsers keep the fragment with the token. A target that `Page.target` refuses is not
      // named, so that this happens once.
      if (pages.targetOf(target) === undefined) return false
      page.redirect(linkPath, { return_to: target })
      return true
    },
    show: linkView,
    submit: (page, { link }) => complete(page, { linkToken: tokenIn(link) }, dependencies),
  })
}

function linkView(page: Page, state: FormState): PageView {
  const { t } = page
  const title = t('mail-sign-in.title')
  if (pendingOf(page.request) === undefined)
    return { title, main: html`<p>${t('mail-sign-in.elsewhere')}</p>${againLink(page)}` }
  const content = html`${linkField(page, state)}${submit(t('sign-in.submit'))}`
  const main = html`<p>${t('mail-sign-in.link-text')}</p>${form(state, content)}${againLink(page)}`
  return { title, main, leadsTo: page.target()?.origin }
}

function againLink({ t, href, target }: Page) {
  const again = href(requestPath, { return_to: target()?.location })
  return html`<p class="links"><a href="${again}">${t('mail-sign-in.again')}</a></p>`
}

/** Completes the sign-in that this browser has begun, or continues with its second step. */
async function complete(page: Page, answer: MailAnswer, dependencies: MailSignInDependencies): Promise<FastifyReply> {
  const { mailSignIn, cookies } = dependencies
  const { request, reply } = page
  const pending = pendingOf(request)
  const missing = 'code' in answer ? 'challenge_invalid' : 'mail_link_elsewhere'
  if (pending === undefined) throw factorFailures.refusal(missing)
  const [device] = cookiesOf(request, deviceCookie)
  try {
    cookies.set(reply, await mailSignIn.complete({ challengeToken: pending.token, answer }, originOf(request), device))
    cookies.setMailSignIn(reply, '', 0)
    return page.leave()
  } catch (error) {
    const asked = askSecondFactor(page, dependencies, error)
    if (asked === undefined) throw error
    return asked
  }
}
