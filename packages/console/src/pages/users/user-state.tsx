import { Badge } from '../../ui/badge.js'
import type { User } from './use-user-list.js'

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
      {user.role === 'admin' ? <Badge>administrator</Badge> : null}
      {user.factor_reset_at === null ? null : <Badge kind="warning">factor reset requested</Badge>}
    </span>
  )
}
