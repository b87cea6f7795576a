import { CopyButton } from '../../ui/copy-button.js'
import type { RevealedClient } from './client-types.js'

/** The new secret of a client, which the server shows this once. */
export function RevealedSecret({ client }: { readonly client: RevealedClient }) {
  return (
    <>
      <p>
        <strong>Copy the secret now.</strong> The server keeps only a hash of it, and cannot show it again.
      </p>
      <dl class="facts">
        <div>
          <dt>client_id</dt>
          <dd>
            <code>{client.id}</code>
          </dd>
        </div>
        <div>
          <dt>client_secret</dt>
          <dd>
            <code>{client.client_secret}</code>
          </dd>
        </div>
      </dl>
      <div class="actions after">
        <CopyButton text={client.client_secret} label="Copy the secret" />
        <CopyButton text={client.id} label="Copy the client ID" />
      </div>
    </>
  )
}
