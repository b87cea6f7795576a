import type { MailSignIn } from '../../accounts/mail-sign-in.js'
import type { Registration } from '../../accounts/registration.js'
import type { SecondStep } from '../../accounts/second-step.js'
import type { SignIn } from '../../accounts/sign-in.js'
import type { SignOut } from '../../accounts/sign-out.js'
import type { Impersonations } from '../../admin/impersonations.js'
import type { App } from '../../http/app.js'
import type { Tracing } from '../../ops/tracing/tracing.js'
import type { Sessions } from '../../sessions/sessions.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import type { SessionCookies } from '../session-cookies.js'
import { addBeginMailSignIn } from './begin-mail-sign-in.js'
import { addCompleteMailSignIn } from './complete-mail-sign-in.js'
import { addLogin } from './login.js'
import { addLogout } from './logout.js'
import { addLogoutAll } from './logout-all.js'
import { addOpenImpersonation } from './open-impersonation.js'
import { addRefresh } from './refresh.js'
import { addRegister } from './register.js'
import { addSecondFactor } from './second-factor.js'

export interface SignInDependencies {
  readonly registration: Registration
  readonly signIn: SignIn
  readonly secondStep: SecondStep
  readonly mailSignIn: MailSignIn
  readonly signOut: SignOut
  readonly impersonations: Impersonations
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly tracing: Tracing
  readonly guards: Guards
}

/** The routes that start, refresh and end sessions. */
export async function signInRoutes(app: App, dependencies: SignInDependencies): Promise<void> {
  const { registration, signIn, secondStep, mailSignIn, signOut, impersonations } = dependencies
  const { sessions, cookies, tracing, guards } = dependencies
  await app.register(async (scope: App) => {
    scope.addHook('onRequest', guards.cookies)
    addRegister(scope, registration, cookies)
    addLogin(scope, { signIn, cookies, tracing })
    addSecondFactor(scope, secondStep, cookies)
    addBeginMailSignIn(scope, mailSignIn)
    addCompleteMailSignIn(scope, mailSignIn, cookies)
    addRefresh(scope, sessions, cookies)
    addOpenImpersonation(scope, impersonations, cookies)
  })
  await app.register(async (scope: App) => {
    addGuards(scope, guards.account)
    addLogout(scope, signOut, cookies)
    addLogoutAll(scope, signOut, cookies)
  })
}
