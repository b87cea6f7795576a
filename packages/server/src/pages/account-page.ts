import { isFailure } from 'latchkey'
import type { EmailVerification } from '../accounts/email-verification.js'
import type { Application, OwnApplications } from '../accounts/own-applications.js'
import type { SignOut } from '../accounts/sign-out.js'
import { type Html, html } from '../html.js'
import type { App } from '../http/app.js'
import { Type } from '../http/type.js'
import { actingOf, originOf } from '../routes/caller.js'
import { applicationIdPattern, IdInput } from '../routes/schemas.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import type { Session } from '../sessions/session-table.js'
import type { Sessions } from '../sessions/sessions.js'
import type { AccountPage, OpenAccountPage } from './account-page-context.js'
import { deviceText } from './device-text.js'
import { buttonForm } from './form-fields.js'
import { pageQuery } from './form-page.js'
import type { Page } from './page.js'

export interface AccountPageDependencies {
  readonly open: OpenAccountPage
  readonly sessions: Sessions
  readonly signOut: SignOut
  readonly ownApplications: OwnApplications
  readonly emails: EmailVerification
  readonly cookies: SessionCookies
  /** Returns further sections of the page. */
  readonly sections?: readonly ((page: AccountPage) => Promise<Html | undefined>)[]
}

const body = Type.Object(
  {
    action: Type.Enum(['end-session', 'end-all', 'end-application', 'resend-link']),
    session: Type.Optional(IdInput),
    application: Type.Optional(Type.String({ pattern: applicationIdPattern })),
  },
  { additionalProperties: false },
)

interface AccountAction {
  readonly action: string
  readonly session?: string
  readonly application?: string
}

/** GET and POST /account: the overview, and its buttons. */
export function addAccountPage(app: App, dependencies: AccountPageDependencies): void {
  const { open, sessions, ownApplications, sections = [] } = dependencies
  const schema = { hide: true, querystring: pageQuery } as const
  const config = { page: true } as const
  app.get('/account', { schema, config }, async (request, reply) => {
    const page = await open(request, reply)
    const { accountId, sessionId } = actingOf(request)
    const live = await sessions.list(accountId)
    const further = await Promise.all(sections.map((section) => section(page)))
    const applications = applicationsSection(page, await ownApplications.list(accountId))
    const main = html`${profileSection(page)}${further}${sessionsSection(page, live, sessionId)}${applications}${dataSection(page)}`
    return page.send({ title: page.t('account.title'), main, wide: true })
  })
  app.post('/account', { schema: { ...schema, body }, config }, async (request, reply) => {
    const page = await open(request, reply)
    const { action, session, application } = request.body as AccountAction
    if (action === 'end-all') return endAll(page, dependencies)
    if (action === 'end-session' && session !== undefined) return endSession(page, session, dependencies)
    if (action === 'end-application' && application !== undefined)
      return endApplication(page, application, dependencies)
    if (action === 'resend-link') {
      await dependencies.emails.requestLink(page.account.email, originOf(request))
      return page.redirect('/account', { notice: 'link-sent' })
    }
    return page.redirect('/account')
  })
}

async function endAll(page: Page, { signOut, cookies }: AccountPageDependencies) {
  await signOut.logoutAll(actingOf(page.request), originOf(page.request))
  cookies.clear(page.reply)
  return page.redirect('/sign-in', { notice: 'signed-out' })
}

async function endApplication(page: Page, application: string, { ownApplications, cookies }: AccountPageDependencies) {
  const acting = actingOf(page.request)
  const ended = await ownApplications
    .end(acting, application, originOf(page.request))
    .catch((error: unknown): readonly string[] => {
      // Its sessions have ended meanwhile, for example by a second click.
      if (!isFailure(error) || error.code !== 'application_unknown') throw error
      return []
    })
  if (!ended.includes(acting.sessionId)) return page.redirect('/account', { notice: 'application-ended' })
  cookies.clear(page.reply)
  return page.redirect('/sign-in', { notice: 'signed-out' })
}

async function endSession(page: Page, session: string, { signOut, cookies }: AccountPageDependencies) {
  const acting = actingOf(page.request)
  await signOut.endSession(acting, session, originOf(page.request)).catch((error: unknown) => {
    // It has ended meanwhile, for example by a second click.
    if (!isFailure(error) || error.code !== 'session_unknown') throw error
  })
  if (session !== acting.sessionId) return page.redirect('/account', { notice: 'session-ended' })
  cookies.clear(page.reply)
  return page.redirect('/sign-in', { notice: 'signed-out' })
}

function profileSection({ t, href, account }: AccountPage): Html {
  const isVerified = account.emailVerifiedAt !== null
  const state = isVerified
    ? html`<p class="hint">${t('account.email-verified')}</p>`
    : html`<p class="hint">${t('account.email-unverified')}</p>${buttonForm(href('/account'), {
        label: t('sign-in.resend'),
        fields: { action: 'resend-link' },
      })}`
  return html`<section aria-labelledby="profile"><h2 id="profile">${t('account.profile')}</h2>
<dl>
<div><dt>${t('common.name')}</dt><dd><bdi>${account.name ?? '–'}</bdi></dd></div>
<div><dt>${t('common.email')}</dt><dd><bdi>${account.email}</bdi>${state}</dd></div>
</dl>
<p class="links"><a href="${href('/account/name')}">${t('account.change-name')}</a>
<a href="${href('/account/language')}">${t('account.change-language')}</a>
<a href="${href('/account/email')}">${t('account.email')}</a>
<a href="${href('/account/password')}">${t('account.password')}</a></p>
${buttonForm(href('/sign-out'), { label: t('sign-out.submit') })}
</section>`
}

function sessionsSection(page: Page, live: readonly Session[], currentId: string): Html {
  const { t, href } = page
  const entries = live.map((session) => sessionEntry(page, session, session.id === currentId))
  return html`<section aria-labelledby="sessions"><h2 id="sessions">${t('account.sessions')}</h2>
<ul class="list">${entries}</ul>
${buttonForm(href('/account'), { label: t('account.end-all'), fields: { action: 'end-all' } })}
</section>`
}

function sessionEntry({ t, href, messages }: Page, session: Session, isCurrent: boolean): Html {
  const device = deviceText({ t }, session.userAgent)
  const address = session.address ?? t('account.unknown-address')
  const used = t('account.session-used', { time: messages.dateTime(session.lastUsedAt), address })
  const isOwners = session.impersonatedBy === null
  const acting = isOwners ? undefined : html` <span class="badge">${t('account.impersonated')}</span>`
  const current = isCurrent ? html` <span class="badge">${t('account.current-session')}</span>` : undefined
  const end = buttonForm(href('/account'), {
    label: t('account.end-session'),
    description: t('account.end-session-of', { device }),
    fields: { action: 'end-session', session: session.id },
  })
  return html`<li><div><strong><bdi>${device}</bdi></strong>${current}${acting}<p class="hint">${used}</p></div>${end}</li>`
}

function applicationsSection({ t, href, messages }: Page, applications: readonly Application[]): Html {
  const entries = applications.map(({ id, audience, lastUsedAt }) => {
    const end = buttonForm(href('/account'), {
      label: t('applications.end'),
      description: t('applications.end-of', { name: audience }),
      fields: { action: 'end-application', application: id },
    })
    const used = t('factors.used', { time: messages.dateTime(lastUsedAt) })
    return html`<li><div><strong><bdi>${audience}</bdi></strong><p class="hint">${used}</p></div>${end}</li>`
  })
  const list = html`<p>${t('applications.text')}</p><ul class="list">${entries}</ul><p class="hint">${t('applications.hint')}</p>`
  return html`<section aria-labelledby="applications"><h2 id="applications">${t('applications.title')}</h2>
${applications.length === 0 ? html`<p>${t('applications.none')}</p>` : list}
</section>`
}

function dataSection({ t, href }: Page): Html {
  return html`<section aria-labelledby="data"><h2 id="data">${t('account.data')}</h2>
<p class="links"><a href="${href('/account/export.json')}" download>${t('account.export')}</a>
<a href="${href('/account/delete')}">${t('account.delete')}</a></p>
</section>`
}
