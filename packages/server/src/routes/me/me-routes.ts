import type { Accounts } from '../../accounts/accounts.js'
import type { Profiles } from '../../accounts/profiles.js'
import type { App } from '../../http/app.js'
import type { Sessions } from '../../sessions/sessions.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import type { SessionCookies } from '../session-cookies.js'
import { addAddDevice } from './add-device.js'
import { addChangePassword } from './change-password.js'
import { addDeleteMe } from './delete-me.js'
import { addEndMySession } from './end-my-session.js'
import { addListMySessions } from './list-my-sessions.js'
import { addReadMe } from './read-me.js'
import { addUpdateMe } from './update-me.js'
import { addUpdateMyProfile } from './update-my-profile.js'

export interface MeDependencies {
  readonly accounts: Accounts
  readonly profiles: Profiles
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly guards: Guards
}

/** The routes by which users manage their own account and devices. */
export async function meRoutes(app: App, dependencies: MeDependencies): Promise<void> {
  const { accounts, profiles, sessions, cookies, guards } = dependencies
  addGuards(app, guards.account)
  addReadMe(app, accounts)
  addUpdateMe(app, accounts)
  addUpdateMyProfile(app, profiles)
  addDeleteMe(app, accounts, cookies)
  addChangePassword(app, accounts, cookies)
  addAddDevice(app, accounts)
  addListMySessions(app, sessions)
  addEndMySession(app, accounts)
}
