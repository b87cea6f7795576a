import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Time } from '../../ui/time.js'
import type { UserDialogProps } from './user-actions.js'

/**
 * Cancels the reset of the factors of an account that waits for its delay. Its words are "stop" and
 * not "cancel", which is the button that closes a dialog.
 */
export function CancelFactorResetDialog({ user, onDone, onClose }: UserDialogProps) {
  const { id, email, factor_reset_at } = user
  const run = async () => {
    await answer(api.DELETE('/v1/admin/users/{id}/factor-reset', { params: { path: { id } } }))
    onDone()
  }
  return (
    <ActionDialog
      title={`Stop the reset of the factors of ${email}`}
      confirmLabel="Stop the reset"
      run={run}
      result={() => <p>The reset is stopped: the account keeps its factors.</p>}
      onClose={onClose}
    >
      <p>
        The account keeps its factors, its recovery codes and its sessions. They would end{' '}
        <Time at={factor_reset_at} full />. No letter is sent; an owner who has lost the factors needs another reset.
      </p>
      <p>
        The audit log names the administrator who has asked for the reset. If that person knows nothing of it, revoke
        the account of that administrator: another person has its session.
      </p>
    </ActionDialog>
  )
}
