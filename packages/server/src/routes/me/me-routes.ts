import type { Clock } from 'latchkey'
import type { OwnAccount } from '../../accounts/own-account.js'
import type { OwnApplications } from '../../accounts/own-applications.js'
import type { OwnData } from '../../accounts/own-data.js'
import type { PasswordChange } from '../../accounts/password-change.js'
import type { Profiles } from '../../accounts/profiles.js'
import type { SignOut } from '../../accounts/sign-out.js'
import type { StepUp } from '../../accounts/step-up.js'
import type { App } from '../../http/app.js'
import type { Messages } from '../../messages/messages.js'
import type { Sessions } from '../../sessions/sessions.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import type { SessionCookies } from '../session-cookies.js'
import { addAddDevice } from './add-device.js'
import { addChangePassword } from './change-password.js'
import { addDeleteMe } from './delete-me.js'
import { addEndMySession } from './end-my-session.js'
import { addExportMe } from './export-me.js'
import { addListMySessions } from './list-my-sessions.js'
import { addMyApplications } from './my-applications.js'
import { addReadMe } from './read-me.js'
import { addStepUp } from './step-up.js'
import { addUpdateMe } from './update-me.js'
import { addUpdateMyProfile } from './update-my-profile.js'

export interface MeDependencies {
  readonly ownAccount: OwnAccount
  readonly ownApplications: OwnApplications
  readonly ownData: OwnData
  readonly clock: Clock
  readonly passwordChange: PasswordChange
  readonly signOut: SignOut
  readonly stepUp: StepUp
  readonly profiles: Profiles
  readonly sessions: Sessions
  readonly messages: Pick<Messages, 'offered'>
  readonly cookies: SessionCookies
  readonly guards: Guards
}

/** The routes by which users manage their own account and devices. */
export async function meRoutes(app: App, dependencies: MeDependencies): Promise<void> {
  const { ownAccount, passwordChange, signOut, stepUp, profiles, sessions, messages, cookies, guards } = dependencies
  addGuards(app, guards.account)
  addReadMe(app, ownAccount)
  addUpdateMe(app, ownAccount, messages.offered)
  addUpdateMyProfile(app, profiles)
  addDeleteMe(app, ownAccount, cookies)
  addChangePassword(app, passwordChange, cookies)
  addAddDevice(app, ownAccount)
  addListMySessions(app, sessions)
  addEndMySession(app, signOut)
  addMyApplications(app, dependencies.ownApplications)
  addExportMe(app, dependencies.ownData, dependencies.clock)
  addStepUp(app, stepUp, cookies)
}
