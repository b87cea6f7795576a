import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Propagation } from '../../ui/propagation.js'
import { Time } from '../../ui/time.js'
import type { UserDialogProps } from './user-actions.js'

/** Removes all factors of an account, now or after the delay of the server. */
export function ResetFactorsDialog({ user, onDone, onClose }: UserDialogProps) {
  const { id, email } = user
  const run = async () => {
    const changed = await answer(api.DELETE('/v1/admin/users/{id}/factors', { params: { path: { id } } }))
    onDone()
    return changed
  }
  return (
    <ActionDialog
      title={`Reset the factors of ${email}`}
      confirmLabel="Reset the factors"
      isDangerous
      run={run}
      result={(changed) =>
        changed.factor_reset_at === null ? (
          <>
            <p>The factors are removed, and every session has ended.</p>
            <Propagation />
          </>
        ) : (
          <p>
            The factors end <Time at={changed.factor_reset_at} full />, unless the owner signs in with one before.
          </p>
        )
      }
      onClose={onClose}
    >
      <p>
        All factors and recovery codes are removed, and every session ends: the next sign-in needs the password alone.
        Do this only for an owner who has lost them, and whom you have identified. The owner is notified by mail.
      </p>
      <p>
        If this server has a delay for it, the factors end after the delay. Until then the owner cancels it by a sign-in
        with a second factor, and every administrator can stop it on this page.
      </p>
    </ActionDialog>
  )
}
