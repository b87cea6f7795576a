import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { CopyButton } from '../../ui/copy-button.js'
import { Time } from '../../ui/time.js'
import type { UserDialogProps } from './user-actions.js'

/** Creates a link that sets a new password, to hand out. */
export function ResetLinkDialog({ user: { id, email, email_verified }, onDone, onClose }: UserDialogProps) {
  const run = async () => {
    const link = await answer(api.POST('/v1/admin/users/{id}/reset-link', { params: { path: { id } } }))
    onDone()
    return link
  }
  return (
    <ActionDialog
      title={`Create a reset link for ${email}`}
      confirmLabel="Create the link"
      run={run}
      result={({ url, expires_at }) => (
        <>
          <p>
            Hand this link to the owner. It is shown only now, and expires <Time at={expires_at} />.
          </p>
          <pre class="wrapped">{url}</pre>
          <CopyButton label="Copy the link" text={url} />
        </>
      )}
      onClose={onClose}
    >
      <p>
        Whoever has the link can set a new password once. It replaces the earlier links of the account, mailed ones
        included. {email_verified ? 'The owner is notified by mail.' : 'The owner is not notified.'}
      </p>
    </ActionDialog>
  )
}
