import type { App } from '../http/app.js'
import { addChangeProfile } from './admin/change-profile.js'
import { addChangeUser } from './admin/change-user.js'
import { addCreateResetLink } from './admin/create-reset-link.js'
import { addCreateUser } from './admin/create-user.js'
import { addDeleteUser } from './admin/delete-user.js'
import { addDescribeSecrets } from './admin/describe-secrets.js'
import { addInspect } from './admin/inspect.js'
import { addInvitations } from './admin/invitations.js'
import { addListUserSessions } from './admin/list-user-sessions.js'
import { addListUsers } from './admin/list-users.js'
import { addReadAudit } from './admin/read-audit.js'
import { addReadStats } from './admin/read-stats.js'
import { addReadUser } from './admin/read-user.js'
import { addRotations } from './admin/rotations.js'
import { addUserActions } from './admin/user-actions.js'
import type { RouteContext } from './caller.js'
import { addChangeClient } from './clients/change-client.js'
import { addClientActions } from './clients/client-actions.js'
import { addCreateClient } from './clients/create-client.js'
import { addDeleteClient } from './clients/delete-client.js'
import { addListClients } from './clients/list-clients.js'
import { addReadClient } from './clients/read-client.js'
import { addRotateClientSecret } from './clients/rotate-client-secret.js'
import { addAcceptInvitation } from './mail/accept-invitation.js'
import { addConfirmDevice } from './mail/confirm-device.js'
import { addFinishRegistration } from './mail/finish-registration.js'
import { addForgotPassword } from './mail/forgot-password.js'
import { addResendEmail } from './mail/resend-email.js'
import { addResetPassword } from './mail/reset-password.js'
import { addVerifyEmail } from './mail/verify-email.js'
import { addAddDevice } from './me/add-device.js'
import { addChangePassword } from './me/change-password.js'
import { addDeleteMe } from './me/delete-me.js'
import { addEndMySession } from './me/end-my-session.js'
import { addListMySessions } from './me/list-my-sessions.js'
import { addReadMe } from './me/read-me.js'
import { addUpdateMe } from './me/update-me.js'
import { addUpdateMyProfile } from './me/update-my-profile.js'
import { addForwardAuth } from './oauth/forward-auth.js'
import { addIntrospectToken } from './oauth/introspect-token.js'
import { addIssueToken } from './oauth/issue-token.js'
import { addJwks } from './oauth/jwks.js'
import { addMetadata } from './oauth/metadata.js'
import { addRevokeToken } from './oauth/revoke-token.js'
import { addDocs } from './ops/docs.js'
import { addLivez } from './ops/livez.js'
import { addMetrics } from './ops/metrics.js'
import { addOpenapi } from './ops/openapi.js'
import { addReadyz } from './ops/readyz.js'
import { sharedSchemas } from './schemas.js'
import { addLogin } from './sign-in/login.js'
import { addLogout } from './sign-in/logout.js'
import { addLogoutAll } from './sign-in/logout-all.js'
import { addRefresh } from './sign-in/refresh.js'
import { addRegister } from './sign-in/register.js'

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
