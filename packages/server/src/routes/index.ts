import type { App } from '../http/app.js'
import { addAcceptInvitation } from './accept-invitation.js'
import { addAddDevice } from './add-device.js'
import { addChangeClient } from './admin/change-client.js'
import { addChangeProfile } from './admin/change-profile.js'
import { addChangeUser } from './admin/change-user.js'
import { addClientActions } from './admin/client-actions.js'
import { addCreateClient } from './admin/create-client.js'
import { addCreateResetLink } from './admin/create-reset-link.js'
import { addCreateUser } from './admin/create-user.js'
import { addDeleteClient } from './admin/delete-client.js'
import { addDeleteUser } from './admin/delete-user.js'
import { addDescribeSecrets } from './admin/describe-secrets.js'
import { addInspect } from './admin/inspect.js'
import { addInvitations } from './admin/invitations.js'
import { addListClients } from './admin/list-clients.js'
import { addListUserSessions } from './admin/list-user-sessions.js'
import { addListUsers } from './admin/list-users.js'
import { addReadAudit } from './admin/read-audit.js'
import { addReadClient } from './admin/read-client.js'
import { addReadStats } from './admin/read-stats.js'
import { addReadUser } from './admin/read-user.js'
import { addRotateClientSecret } from './admin/rotate-client-secret.js'
import { addRotations } from './admin/rotations.js'
import { addUserActions } from './admin/user-actions.js'
import { addChangePassword } from './change-password.js'
import { addConfirmDevice } from './confirm-device.js'
import { addDeleteMe } from './delete-me.js'
import { addDocs } from './docs.js'
import { addEndMySession } from './end-my-session.js'
import { addFinishRegistration } from './finish-registration.js'
import { addForgotPassword } from './forgot-password.js'
import { addForwardAuth } from './forward-auth.js'
import { addJwks } from './jwks.js'
import { addListMySessions } from './list-my-sessions.js'
import { addLivez } from './livez.js'
import { addLogin } from './login.js'
import { addLogout } from './logout.js'
import { addLogoutAll } from './logout-all.js'
import { addMetrics } from './metrics.js'
import { addIntrospectToken } from './oauth/introspect-token.js'
import { addIssueToken } from './oauth/issue-token.js'
import { addMetadata } from './oauth/metadata.js'
import { addRevokeToken } from './oauth/revoke-token.js'
import { addOpenapi } from './openapi.js'
import { addReadMe } from './read-me.js'
import { addReadyz } from './readyz.js'
import { addRefresh } from './refresh.js'
import { addRegister } from './register.js'
import { addResendEmail } from './resend-email.js'
import { addResetPassword } from './reset-password.js'
import type { RouteContext } from './route-context.js'
import { sharedSchemas } from './schemas.js'
import { addUpdateMe } from './update-me.js'
import { addUpdateMyProfile } from './update-my-profile.js'
import { addVerifyEmail } from './verify-email.js'

const routes: readonly ((app: App, context: RouteContext) => void)[] = [
  addRegister,
  addFinishRegistration,
  addAcceptInvitation,
  addLogin,
  addRefresh,
  addLogout,
  addLogoutAll,
  addReadMe,
  addUpdateMe,
  addUpdateMyProfile,
  addDeleteMe,
  addChangePassword,
  addAddDevice,
  addForgotPassword,
  addResetPassword,
  addVerifyEmail,
  addResendEmail,
  addConfirmDevice,
  addListMySessions,
  addEndMySession,
  addListUsers,
  addCreateUser,
  addReadUser,
  addChangeUser,
  addChangeProfile,
  addDeleteUser,
  addUserActions,
  addCreateResetLink,
  addListUserSessions,
  addDescribeSecrets,
  addInvitations,
  addReadAudit,
  addRotations,
  addReadStats,
  addInspect,
  addListClients,
  addCreateClient,
  addReadClient,
  addChangeClient,
  addDeleteClient,
  addRotateClientSecret,
  addClientActions,
  addJwks,
  addIssueToken,
  addIntrospectToken,
  addRevokeToken,
  addMetadata,
  addForwardAuth,
  addLivez,
  addReadyz,
  addMetrics,
  addOpenapi,
  addDocs,
]

/** Adds every route of the server. */
export function addRoutes(app: App, context: RouteContext): void {
  for (const schema of sharedSchemas) app.addSchema(schema)
  for (const add of routes) add(app, context)
}
