import type { OwnPasskeys } from '../../accounts/own-passkeys.js'
import type { PasskeySignIn } from '../../accounts/passkey-sign-in.js'
import type { App } from '../../http/app.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import type { SessionCookies } from '../session-cookies.js'
import { addAddPasskey } from './add-passkey.js'
import { addBeginPasskey } from './begin-passkey.js'
import { addBeginPasskeySignIn } from './begin-passkey-sign-in.js'
import { addBeginPasskeyStepUp } from './begin-passkey-step-up.js'
import { addRelatedOrigins } from './related-origins.js'
import { addSignInWithPasskey } from './sign-in-with-passkey.js'

export interface PasskeyDependencies {
  readonly passkeySignIn: PasskeySignIn
  readonly ownPasskeys: OwnPasskeys
  readonly cookies: SessionCookies
  readonly guards: Guards
  /** The origins whose pages may use passkeys. */
  readonly origins: readonly string[]
}

/** The routes of passkeys. */
export async function passkeyRoutes(app: App, dependencies: PasskeyDependencies): Promise<void> {
  const { passkeySignIn, ownPasskeys, cookies, guards, origins } = dependencies
  addRelatedOrigins(app, origins)
  await app.register(async (scope: App) => {
    scope.addHook('onRequest', guards.cookies)
    addBeginPasskeySignIn(scope, passkeySignIn)
    addSignInWithPasskey(scope, passkeySignIn, cookies)
  })
  await app.register(async (scope: App) => {
    addGuards(scope, guards.account)
    addBeginPasskey(scope, ownPasskeys)
    addAddPasskey(scope, ownPasskeys)
    addBeginPasskeyStepUp(scope, ownPasskeys)
  })
}
