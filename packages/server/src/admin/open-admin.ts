import type { Latchkey, RotatingKeyPairSource } from 'latchkey'
import type { AccountLinks } from '../accounts/open-account-links.js'
import type { PasswordDomain } from '../accounts/open-passwords.js'
import type { Profiles } from '../accounts/profiles.js'
import type { RecentAuthentication } from '../accounts/recent-authentication.js'
import type { AuditDomain } from '../audit/open-audit.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { OpenDatabase } from '../database/open-database.js'
import type { FactorsDomain } from '../factors/open-factors.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import type { Actors } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import { AccountProvisioning } from './account-provisioning.js'
import { Administration } from './administration.js'
import { AdministratorRights } from './administrator.js'
import { AuditReview } from './audit-review.js'
import { BulkActions } from './bulk-actions.js'
import { ClientAdministration } from './client-administration.js'
import { DatabaseCounts } from './database-counts.js'
import { FactorResets } from './factor-resets.js'
import { Impersonations } from './impersonations.js'
import { InvitationAdministration } from './invitation-administration.js'
import { KeyInventoryReader } from './key-inventory.js'
import { LetterPreviews } from './letter-previews.js'
import { LettersAdministration } from './letters-administration.js'
import { PasswordRequirements } from './password-requirements.js'
import { ResetLinks } from './reset-links.js'
import { Rotations } from './rotations.js'
import { Tasks } from './tasks.js'
import { TokenInspector } from './token-inspector.js'
import { TokenPreviews } from './token-preview.js'

/** The objects behind the routes and commands of administrators. */
export interface AdminDomain {
  readonly administration: Administration
  readonly bulkActions: BulkActions
  readonly invitationAdministration: InvitationAdministration
  readonly provisioning: AccountProvisioning
  readonly resetLinks: ResetLinks
  readonly factorResets: FactorResets
  readonly impersonations: Impersonations
  readonly passwordRequirements: PasswordRequirements
  readonly clientAdministration: ClientAdministration
  /** Rotations of all tenants. */
  readonly rotations: Rotations
  /** Long work after an incident. */
  readonly tasks: Tasks
  readonly keyInventory: KeyInventoryReader
  readonly counts: DatabaseCounts
  readonly tokenInspector: TokenInspector
  readonly tokenPreviews: TokenPreviews
  readonly auditReview: AuditReview
  readonly letters: LettersAdministration
  readonly letterPreviews: LetterPreviews
}

/** The parts of other domains that administration uses. */
export interface AdminDependencies
  extends PasswordDomain,
    Pick<AccountLinks, 'oneTimeTokens' | 'invitations'>,
    Pick<FactorsDomain, 'challenges' | 'trustedDevices' | 'totp'> {
  readonly actors: Actors
  readonly recentAuthentication: RecentAuthentication
  readonly sessions: Sessions
  readonly profiles: Profiles
  readonly outbox: Outbox
  readonly messages: Messages
  /** Verifies access tokens. */
  readonly latchkey: Latchkey
}

/** The core, with the keys that administration lists and replaces. */
export interface AdminCore extends Core, Pick<AuditDomain, 'auditChain'> {
  readonly serviceKeys: RotatingKeyPairSource
  readonly database: Pick<OpenDatabase, 'masterKeys'>
}

/** Creates the objects of administration. */
export function openAdmin(core: AdminCore, opened: AdminDependencies, configuration: Configuration): AdminDomain {
  const dependencies = { ...opened, rights: new AdministratorRights(opened, configuration) }
  const administration = new Administration(core, dependencies, configuration)
  return {
    administration,
    bulkActions: new BulkActions(administration),
    invitationAdministration: new InvitationAdministration(core, dependencies, configuration),
    provisioning: new AccountProvisioning(core, dependencies),
    resetLinks: new ResetLinks(core, dependencies, configuration),
    factorResets: new FactorResets(core, dependencies, configuration),
    impersonations: new Impersonations(core, dependencies, configuration),
    passwordRequirements: new PasswordRequirements(core, dependencies),
    clientAdministration: new ClientAdministration(core, dependencies),
    rotations: new Rotations(core, dependencies),
    tasks: new Tasks({ ...core, ...opened, masterKeys: core.database.masterKeys }, dependencies),
    keyInventory: new KeyInventoryReader(core, core.database.masterKeys),
    counts: new DatabaseCounts(core),
    tokenInspector: new TokenInspector(
      core,
      { latchkey: opened.latchkey, serviceKeys: core.serviceKeys },
      configuration,
    ),
    tokenPreviews: new TokenPreviews(core, dependencies, configuration),
    auditReview: new AuditReview(core, { ...dependencies, auditChain: core.auditChain }),
    letters: new LettersAdministration(core, dependencies),
    letterPreviews: new LetterPreviews(dependencies.messages, { ...core, ...configuration.mail }),
  }
}
