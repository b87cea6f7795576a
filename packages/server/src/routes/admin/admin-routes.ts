import type { Latchkey, TenantSecrets } from 'latchkey'
import type { AccountProvisioning } from '../../admin/account-provisioning.js'
import type { Administration } from '../../admin/administration.js'
import type { AuditReview } from '../../admin/audit-review.js'
import type { BulkActions } from '../../admin/bulk-actions.js'
import type { FactorResets } from '../../admin/factor-resets.js'
import type { Impersonations } from '../../admin/impersonations.js'
import type { InvitationAdministration } from '../../admin/invitation-administration.js'
import type { KeyInventoryReader } from '../../admin/key-inventory.js'
import type { LetterPreviews } from '../../admin/letter-previews.js'
import type { LettersAdministration } from '../../admin/letters-administration.js'
import type { LiveView } from '../../admin/live-view.js'
import type { PasswordRequirements } from '../../admin/password-requirements.js'
import type { ResetLinks } from '../../admin/reset-links.js'
import type { Rotations } from '../../admin/rotations.js'
import type { ServerHealth } from '../../admin/server-health.js'
import type { StatisticsSources } from '../../admin/statistics.js'
import type { Tasks } from '../../admin/tasks.js'
import type { TokenInspector } from '../../admin/token-inspector.js'
import type { TokenPreviews } from '../../admin/token-preview.js'
import type { DescribedSetting } from '../../config/describe-settings.js'
import type { App } from '../../http/app.js'
import type { Messages } from '../../messages/messages.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import { limitRoutes } from '../limit-routes.js'
import { addBulkActions } from './bulk-actions.js'
import { addCancelFactorReset } from './cancel-factor-reset.js'
import { addChangeProfile } from './change-profile.js'
import { addChangeUser } from './change-user.js'
import { addCreateResetLink } from './create-reset-link.js'
import { addCreateUser } from './create-user.js'
import { addDeleteUser } from './delete-user.js'
import { addDescribeSecrets } from './describe-secrets.js'
import { addEndUserSession } from './end-user-session.js'
import { addExportAudit } from './export-audit.js'
import { addImpersonateUser } from './impersonate-user.js'
import { addInspect } from './inspect.js'
import { addInvitations } from './invitations.js'
import { addLetters } from './letters.js'
import { addListUserFactors } from './list-user-factors.js'
import { addListUserSessions } from './list-user-sessions.js'
import { addListUsers } from './list-users.js'
import { addLive } from './live.js'
import { addPreviewLetter } from './preview-letter.js'
import { addPreviewToken } from './preview-token.js'
import { addPropagation } from './propagation.js'
import { addReadAudit } from './read-audit.js'
import { addReadHealth } from './read-health.js'
import { addReadKeys } from './read-keys.js'
import { addReadSettings } from './read-settings.js'
import { addReadStats } from './read-stats.js'
import { addReadUser } from './read-user.js'
import { addRequireNewPassword } from './require-new-password.js'
import { addResetFactors } from './reset-factors.js'
import { addRotations } from './rotations.js'
import { addTasks } from './tasks.js'
import { addUserActions } from './user-actions.js'
import { addVerifyAudit } from './verify-audit.js'

export interface AdminDependencies {
  readonly administration: Administration
  readonly provisioning: AccountProvisioning
  readonly resetLinks: ResetLinks
  readonly factorResets: FactorResets
  readonly bulkActions: BulkActions
  readonly passwordRequirements: PasswordRequirements
  readonly impersonations: Impersonations
  readonly invitationAdministration: InvitationAdministration
  readonly rotations: Rotations
  readonly tasks: Tasks
  readonly keyInventory: KeyInventoryReader
  readonly keys: Pick<TenantSecrets, 'waitForPropagation'>
  readonly statistics: StatisticsSources
  readonly liveView: LiveView
  readonly health: ServerHealth
  readonly latchkey: Latchkey
  readonly tokenInspector: TokenInspector
  readonly tokenPreviews: TokenPreviews
  readonly auditReview: AuditReview
  readonly letters: LettersAdministration
  readonly letterPreviews: LetterPreviews
  readonly settings: readonly DescribedSetting[]
  readonly messages: Pick<Messages, 'offered'>
  readonly guards: Guards
}

/** The routes by which administrators manage accounts and the server. */
export async function adminRoutes(app: App, dependencies: AdminDependencies): Promise<void> {
  const { administration, provisioning, resetLinks, factorResets, invitationAdministration } = dependencies
  const { bulkActions, passwordRequirements, rotations, tasks, keyInventory, keys } = dependencies
  const { statistics, latchkey, messages, guards, liveView, health, tokenInspector } = dependencies
  const { tokenPreviews, auditReview, letters, letterPreviews, settings, impersonations } = dependencies
  addGuards(app, guards.administrator)
  limitRoutes(app, 'admin')
  addListUsers(app, administration)
  addCreateUser(app, provisioning)
  addReadUser(app, administration)
  addChangeUser(app, administration, messages.offered)
  addChangeProfile(app, administration)
  addDeleteUser(app, administration)
  addUserActions(app, administration)
  addBulkActions(app, bulkActions)
  addCreateResetLink(app, resetLinks)
  addRequireNewPassword(app, passwordRequirements)
  addResetFactors(app, factorResets)
  addCancelFactorReset(app, factorResets)
  addListUserFactors(app, administration)
  addImpersonateUser(app, impersonations)
  addListUserSessions(app, administration)
  addEndUserSession(app, administration)
  addDescribeSecrets(app, administration)
  addInvitations(app, invitationAdministration, messages.offered)
  addReadAudit(app, administration)
  addRotations(app, rotations)
  addTasks(app, tasks)
  addPropagation(app, keys)
  addReadKeys(app, keyInventory)
  addReadStats(app, statistics)
  addReadHealth(app, health)
  addLive(app, { liveView, latchkey, guards })
  addInspect(app, tokenInspector)
  addPreviewToken(app, tokenPreviews)
  addExportAudit(app, auditReview)
  addVerifyAudit(app, auditReview)
  addLetters(app, letters)
  addPreviewLetter(app, letterPreviews, messages.offered)
  addReadSettings(app, settings)
}
