import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { consolePath } from '../../base.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { CheckField, TextField } from '../../ui/field.js'

interface CreateUserDialogProps {
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Creates an account without a password, for which a reset link can be handed out. */
export function CreateUserDialog({ onClose, onDone }: CreateUserDialogProps) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [isVerified, setVerified] = useState(false)
  const run = async () => {
    const body = { email, email_verified: isVerified, ...(name === '' ? {} : { name }) }
    const created = await answer(api.POST('/v1/admin/users', { body }))
    onDone()
    return created
  }
  return (
    <ActionDialog
      title="Create an account"
      confirmLabel="Create the account"
      run={run}
      result={(user) => (
        <p>
          <a href={`${consolePath}/users/${user.id}`}>{user.email}</a> has been created. Create a reset link on its
          page, and hand it out.
        </p>
      )}
      onClose={onClose}
    >
      <p>
        The account has no password: its owner can sign in once a reset link has set one. No letter is sent. To let the
        owner choose, invite the address instead.
      </p>
      <TextField label="E-mail address" type="email" value={email} onChange={setEmail} required autofocus />
      <TextField label="Name" hint="Optional." value={name} onChange={setName} />
      <CheckField label="The address is known to belong to the owner" value={isVerified} onChange={setVerified} />
    </ActionDialog>
  )
}
