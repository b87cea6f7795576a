import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { CopyButton } from '../../ui/copy-button.js'
import { TextField } from '../../ui/field.js'
import { Time } from '../../ui/time.js'
import type { UserDialogProps } from './user-actions.js'

/** Creates a link that opens a read-only session of the account, in which the administrator acts. */
export function ImpersonateDialog({ user: { id, email }, onDone, onClose }: UserDialogProps) {
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState('15')
  const run = async () => {
    const params = { path: { id } }
    const body = { reason, minutes: Number(minutes) }
    const link = await answer(api.POST('/v1/admin/users/{id}/impersonate', { params, body }))
    onDone()
    return link
  }
  return (
    <ActionDialog
      title={`Act as ${email}`}
      confirmLabel="Create the link"
      run={run}
      result={({ url, expires_at }) => (
        <>
          <p>
            Open this link in a private window, so that you stay signed in here. It works once, and expires{' '}
            <Time at={expires_at} />.
          </p>
          <pre class="wrapped">{url}</pre>
          <CopyButton label="Copy the link" text={url} />
        </>
      )}
      onClose={onClose}
    >
      <p>
        You get a session of this account that can change nothing in it. It ends after the time below, and earlier with
        your own session or your right. Its tokens name you, the owner sees it among the sessions, and the audit log has
        the reason.
      </p>
      <TextField
        label="Reason"
        hint="10 to 500 characters, such as the number of the support request."
        value={reason}
        onChange={setReason}
        attributes={{ maxLength: 500, autocomplete: 'off' }}
      />
      <TextField
        label="Minutes"
        type="number"
        value={minutes}
        onChange={setMinutes}
        attributes={{ min: '1', max: '60' }}
      />
    </ActionDialog>
  )
}
