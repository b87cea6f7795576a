import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { FactorsDomain } from '../factors/open-factors.js'
import type { MailDomain } from '../mail/open-mail.js'
import type { Messages } from '../messages/messages.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { Actors } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import { AdminCreation } from './admin-creation.js'
import { DeviceConfirmation } from './device-confirmation.js'
import { EarlierAccess } from './earlier-access.js'
import { EmailVerification } from './email-verification.js'
import { FactorChanges } from './factor-changes.js'
import { MailSignIn } from './mail-sign-in.js'
import type { AccountLinks } from './open-account-links.js'
import type { PasswordDomain } from './open-passwords.js'
import { OwnAccount } from './own-account.js'
import { OwnApplications } from './own-applications.js'
import { OwnData } from './own-data.js'
import { OwnFactors } from './own-factors.js'
import { OwnPasskeys } from './own-passkeys.js'
import { PasskeySignIn } from './passkey-sign-in.js'
import { PasswordChange } from './password-change.js'
import type { Profiles } from './profiles.js'
import { Reauthentication } from './reauthentication.js'
import type { RecentAuthentication } from './recent-authentication.js'
import { Recovery } from './recovery.js'
import { Registration } from './registration.js'
import { SecondStep } from './second-step.js'
import { SignIn } from './sign-in.js'
import { SignOut } from './sign-out.js'
import { StepUp } from './step-up.js'

/** The objects that the routes of accounts call. */
export interface AccountsDomain {
  readonly signIn: SignIn
  readonly secondStep: SecondStep
  readonly passkeySignIn: PasskeySignIn
  readonly mailSignIn: MailSignIn
  readonly signOut: SignOut
  readonly ownPasskeys: OwnPasskeys
  readonly stepUp: StepUp
  readonly ownAccount: OwnAccount
  readonly ownFactors: OwnFactors
  readonly ownApplications: OwnApplications
  readonly ownData: OwnData
  readonly factorChanges: FactorChanges
  readonly passwordChange: PasswordChange
  readonly adminCreation: AdminCreation
  readonly registration: Registration
  readonly recovery: Recovery
  readonly emails: EmailVerification
  readonly confirmations: DeviceConfirmation
}

export interface AccountsDependencies
  extends PasswordDomain,
    Pick<AccountLinks, 'oneTimeTokens' | 'invitations'>,
    Pick<MailDomain, 'outbox' | 'quota'>,
    FactorsDomain {
  readonly actors: Actors
  readonly sessions: Sessions
  readonly profiles: Profiles
  readonly guesses: GuessGuard
  readonly messages: Messages
  readonly recentAuthentication: RecentAuthentication
}

/** Creates the objects of accounts. */
export function openAccounts(
  core: Core,
  dependencies: AccountsDependencies,
  configuration: Configuration,
): AccountsDomain {
  const reauthentication = new Reauthentication(core, dependencies)
  const confirmations = new DeviceConfirmation(core, dependencies)
  const emails = new EmailVerification(core, dependencies, configuration)
  const secondStep = new SecondStep(core, dependencies, configuration)
  const earlierAccess = new EarlierAccess(core, dependencies)
  const factorChanges = new FactorChanges(core, dependencies)
  const ownFactors = new OwnFactors(core, { ...dependencies, factorChanges }, configuration)
  const ownApplications = new OwnApplications(core, dependencies)
  return {
    signIn: new SignIn(core, { ...dependencies, confirmations, secondStep }, configuration),
    secondStep,
    passkeySignIn: new PasskeySignIn(core, dependencies, configuration),
    mailSignIn: new MailSignIn(core, { ...dependencies, secondStep, earlierAccess }, configuration),
    signOut: new SignOut(core, dependencies),
    ownPasskeys: new OwnPasskeys(core, { ...dependencies, factorChanges }),
    stepUp: new StepUp(core, { ...dependencies, reauthentication }),
    ownAccount: new OwnAccount(core, { ...dependencies, emails, reauthentication }, configuration),
    ownFactors,
    ownApplications,
    ownData: new OwnData(core, { ...dependencies, ownFactors, ownApplications }),
    factorChanges,
    passwordChange: new PasswordChange(core, { ...dependencies, reauthentication }),
    adminCreation: new AdminCreation(core, dependencies, configuration),
    registration: new Registration(core, dependencies, configuration),
    recovery: new Recovery(core, { ...dependencies, earlierAccess }),
    emails,
    confirmations,
  }
}
