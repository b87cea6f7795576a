import type { DeviceConfirmation } from '../../accounts/device-confirmation.js'
import type { EmailVerification } from '../../accounts/email-verification.js'
import type { Recovery } from '../../accounts/recovery.js'
import type { Registration } from '../../accounts/registration.js'
import type { App } from '../../http/app.js'
import type { Guards } from '../guards/guards.js'
import { limitRoutes } from '../limit-routes.js'
import type { SessionCookies } from '../session-cookies.js'
import { addAcceptInvitation } from './accept-invitation.js'
import { addConfirmDevice } from './confirm-device.js'
import { addFinishRegistration } from './finish-registration.js'
import { addForgotPassword } from './forgot-password.js'
import { addResendEmail } from './resend-email.js'
import { addResetPassword } from './reset-password.js'
import { addVerifyEmail } from './verify-email.js'

export interface MailDependencies {
  readonly registration: Registration
  readonly recovery: Recovery
  readonly emails: EmailVerification
  readonly confirmations: DeviceConfirmation
  readonly cookies: SessionCookies
  readonly guards: Guards
}

/** The routes that request or use mailed links. */
export async function mailRoutes(app: App, dependencies: MailDependencies): Promise<void> {
  const { registration, recovery, emails, confirmations, cookies, guards } = dependencies
  limitRoutes(app, 'recovery')
  await app.register(async (scope: App) => {
    scope.addHook('onRequest', guards.cookies)
    addFinishRegistration(scope, registration, cookies)
    addAcceptInvitation(scope, registration, cookies)
  })
  addForgotPassword(app, recovery)
  addResetPassword(app, recovery)
  addVerifyEmail(app, emails, guards)
  addResendEmail(app, emails)
  addConfirmDevice(app, confirmations)
}
