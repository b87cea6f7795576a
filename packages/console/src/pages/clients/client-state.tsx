import { Badge } from '../../ui/badge.js'
import type { ListedClient } from './client-types.js'

/** Whether a client can get tokens. */
export function ClientState({ client }: { readonly client: Pick<ListedClient, 'disabled_at'> }) {
  return client.disabled_at === null ? <Badge kind="good">enabled</Badge> : <Badge kind="bad">disabled</Badge>
}

/** The scopes of a client, each as code. */
export function ScopeList({ scope }: { readonly scope: string }) {
  if (scope === '') return <span>none</span>
  return (
    <>
      {scope.split(' ').map((token) => (
        <code key={token} class="token">
          {token}
        </code>
      ))}
    </>
  )
}
