import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { CopyButton } from '../../ui/copy-button.js'
import { SelectField, TextField } from '../../ui/field.js'
import { Time } from '../../ui/time.js'

/** Invites the owner of an address to create an account. */
export function InviteDialog({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: () => void }) {
  const [email, setEmail] = useState('')
  const [delivery, setDelivery] = useState<'mail' | 'link'>('mail')
  const run = async () => {
    const invitation = await answer(api.POST('/v1/admin/invitations', { body: { email, delivery } }))
    onDone()
    return invitation
  }
  return (
    <ActionDialog
      title="Invite a person"
      confirmLabel="Invite"
      run={run}
      result={(invitation) => (
        <>
          <p>
            {invitation.email} is invited. The link expires <Time at={invitation.expires_at} />.
          </p>
          {invitation.url === undefined ? null : (
            <>
              <pre class="wrapped">{invitation.url}</pre>
              <CopyButton label="Copy the link" text={invitation.url} />
            </>
          )}
        </>
      )}
      onClose={onClose}
    >
      <p>The link works once, until it expires, and replaces an earlier one to the same address.</p>
      <TextField label="E-mail address" type="email" value={email} onChange={setEmail} required autofocus />
      <SelectField
        label="Delivery"
        value={delivery}
        onChange={(value) => setDelivery(value === 'link' ? 'link' : 'mail')}
        options={[
          ['mail', 'A letter to the address'],
          ['link', 'A link to hand out, shown once'],
        ]}
      />
    </ActionDialog>
  )
}
