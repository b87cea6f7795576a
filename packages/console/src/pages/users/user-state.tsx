import { Badge } from '../../ui/badge.js'
import type { User } from './use-user-list.js'

/** The roles in this server, in words. */
export const roleNames: Readonly<Record<User['role'], string>> = {
  user: 'user',
  auditor: 'auditor',
  admin: 'administrator',
}

/** The state of an account in words. */
export function UserState({ user }: { readonly user: User }) {
  return (
    <span class="badges">
      {user.disabled_at !== null ? (
        <Badge kind="bad">disabled</Badge>
      ) : user.email_verified ? (
        <Badge kind="good">active</Badge>
      ) : (
        <Badge kind="warning">not verified</Badge>
      )}
      {user.role === 'user' ? null : <Badge>{roleNames[user.role]}</Badge>}
      {user.factor_reset_at === null ? null : <Badge kind="warning">factor reset requested</Badge>}
    </span>
  )
}
