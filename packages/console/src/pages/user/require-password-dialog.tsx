import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Propagation } from '../../ui/propagation.js'
import type { UserDialogProps } from './user-actions.js'

/** Deletes the password, so that the owner must set a new one. */
export function RequirePasswordDialog({ user: { id, email }, onDone, onClose }: UserDialogProps) {
  const run = async () => {
    await answer(api.POST('/v1/admin/users/{id}/require-new-password', { params: { path: { id } } }))
    onDone()
  }
  return (
    <ActionDialog
      title={`Require a new password of ${email}`}
      confirmLabel="Require a new password"
      isDangerous
      run={run}
      result={() => (
        <>
          <p>The old password is deleted, and the letter is on its way.</p>
          <Propagation />
        </>
      )}
      onClose={onClose}
    >
      <p>
        The old password opens no session from now on, and every session and token ends. The owner gets a letter with a
        link that sets a new password.
      </p>
      <p>Passkeys of the account still sign in.</p>
    </ActionDialog>
  )
}
