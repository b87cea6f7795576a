import type { onRequestHookHandler } from 'fastify'
import type { Clock } from 'latchkey'
import type { DeviceConfirmation } from '../accounts/device-confirmation.js'
import type { EmailVerification } from '../accounts/email-verification.js'
import type { MailSignIn } from '../accounts/mail-sign-in.js'
import type { OwnAccount } from '../accounts/own-account.js'
import type { OwnApplications } from '../accounts/own-applications.js'
import type { OwnData } from '../accounts/own-data.js'
import type { OwnFactors } from '../accounts/own-factors.js'
import type { PasswordChange } from '../accounts/password-change.js'
import type { Recovery } from '../accounts/recovery.js'
import type { Registration } from '../accounts/registration.js'
import { isOpenToAll } from '../accounts/registration-rule.js'
import type { SecondStep } from '../accounts/second-step.js'
import type { SignIn } from '../accounts/sign-in.js'
import type { SignOut } from '../accounts/sign-out.js'
import type { StepUp } from '../accounts/step-up.js'
import type { Impersonations } from '../admin/impersonations.js'
import type { Configuration } from '../config/configuration.js'
import type { App } from '../http/app.js'
import { addFormParser } from '../http/body-parsers.js'
import { TrustedPages } from '../http/trusted-pages.js'
import type { Tracing } from '../ops/tracing/tracing.js'
import { addGuards } from '../routes/guards/add-guards.js'
import { limitImpersonation } from '../routes/guards/limit-impersonation.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import type { Sessions } from '../sessions/sessions.js'
import { addAcceptInvitationPage } from './accept-invitation-page.js'
import { addAccountForms } from './account-forms.js'
import { addAccountPage } from './account-page.js'
import { type AccountPage, accountPages } from './account-page-context.js'
import { addConfirmDevicePage } from './confirm-device-page.js'
import { addExportData } from './export-data.js'
import { addFactorPages, factorsSection } from './factor-pages.js'
import { addFinishRegistrationPage } from './finish-registration-page.js'
import { pageQuery } from './form-page.js'
import { addImpersonatePage } from './impersonate-page.js'
import { addMailPages } from './mail-pages.js'
import { addMailSignInPages } from './mail-sign-in-pages.js'
import type { Page } from './page.js'
import { leadToSignIn, refuseForeignForms, sessionState } from './page-session.js'
import type { Pages } from './pages.js'
import { addRegisterPage } from './register-page.js'
import { addRenewSession } from './renew-session.js'
import { addResetPasswordPage } from './reset-password-page.js'
import { addSecondFactorPage } from './second-factor-page.js'
import { addSignInPage } from './sign-in-page.js'
import { addSignOutPage } from './sign-out-page.js'
import { addStepUpPage } from './step-up-page.js'
import { addVerifyEmailPage } from './verify-email-page.js'

export interface PageDependencies {
  readonly pages: Pages
  readonly configuration: Pick<Configuration, 'registration' | 'passwordMinLength' | 'mailSignIn'>
  readonly registration: Registration
  readonly signIn: SignIn
  readonly secondStep: SecondStep
  readonly mailSignIn: MailSignIn
  readonly stepUp: StepUp
  readonly signOut: SignOut
  readonly ownAccount: OwnAccount
  readonly ownFactors: OwnFactors
  readonly ownApplications: OwnApplications
  readonly ownData: OwnData
  readonly clock: Clock
  readonly passwordChange: PasswordChange
  readonly recovery: Recovery
  readonly emails: EmailVerification
  readonly confirmations: DeviceConfirmation
  readonly impersonations: Impersonations
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly tracing: Tracing
  /** Require a valid access token of an account. */
  readonly account: readonly onRequestHookHandler[]
}

/**
 * The pages for people. Each one calls the same objects as the route of the API that does the same.
 */
export async function pageRoutes(app: App, dependencies: PageDependencies): Promise<void> {
  const { pages, configuration, ownAccount, ownFactors, sessions, account } = dependencies
  const { passwordMinLength, mailSignIn: mailMode } = configuration
  const isOpen = isOpenToAll(configuration.registration)
  const stateOf = ({ request, reply }: Page) => sessionState(request, reply, account)
  addFormParser(app)
  addPageAssets(app, pages)
  await app.register(async (scope: App) => {
    // Only pages of this server: those of LATCHKEY_CORS_ORIGINS use the API.
    scope.addHook('onRequest', refuseForeignForms(new TrustedPages([pages.origins.own])))
    addFrontPage(scope, pages)
    addRenewSession(scope, dependencies)
    addSignInPage(scope, { ...dependencies, isOpen, mailMode, stateOf })
    addMailSignInPages(scope, { ...dependencies, mode: mailMode })
    addSecondFactorPage(scope, dependencies)
    addRegisterPage(scope, { ...dependencies, isOpen, passwordMinLength })
    addMailPages(scope, dependencies)
    addVerifyEmailPage(scope, { ...dependencies, stateOf })
    addConfirmDevicePage(scope, dependencies)
    addImpersonatePage(scope, dependencies)
    addFinishRegistrationPage(scope, dependencies)
    addAcceptInvitationPage(scope, { ...dependencies, passwordMinLength })
    addResetPasswordPage(scope, { ...dependencies, passwordMinLength })
    await scope.register(async (own: App) => {
      addGuards(own, [...leadToSignIn(account, pages), limitImpersonation])
      const open = accountPages(pages, ownAccount, sessions)
      const sections = [(page: AccountPage) => factorsSection(ownFactors, page)]
      addAccountPage(own, { ...dependencies, open, sections })
      addAccountForms(own, { ...dependencies, open, passwordMinLength })
      addExportData(own, dependencies)
      addSignOutPage(own, { ...dependencies, open })
      addFactorPages(own, { ...dependencies, open })
      addStepUpPage(own, { ...dependencies, open })
    })
  })
}

/** GET /: leads to the own account, and from there to the sign-in page. */
function addFrontPage(app: App, pages: Pages): void {
  const options = { schema: { hide: true, querystring: pageQuery }, config: { page: true } } as const
  app.get('/', options, async (_, reply) => reply.redirect(pages.href('/account'), 303))
}

/** GET /pages/…: the style, the script and the logo. */
function addPageAssets(app: App, { assets: { style, script, logo } }: Pages): void {
  for (const { name, type, content } of [style, script, ...(logo === undefined ? [] : [logo])]) {
    const options = { schema: { hide: true }, config: { limit: 'none' }, logLevel: 'warn' } as const
    app.get(`/pages/${name}`, options, async (_, reply) => {
      reply.header('Cache-Control', 'public, max-age=31536000, immutable')
      return reply.type(type).send(content)
    })
  }
}
