import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Propagation } from '../../ui/propagation.js'
import { actionTexts, type UserAction } from '../users/action-texts.js'
import type { UserDialogProps } from './user-actions.js'

/** What has happened after each action. */
const doneTexts: Readonly<Record<UserAction, string>> = {
  revoke: 'Every session and token of the account has ended.',
  rotate: 'A new secret signs the tokens of the account.',
  verify: 'The address is verified.',
  disable: 'The account is disabled, and its sessions and tokens have ended.',
  enable: 'The account can sign in again.',
}

/** The dialog of an action that needs no input. */
export function SimpleDialog({
  action,
  user: { id, email },
  onDone,
  onClose,
}: UserDialogProps & { readonly action: UserAction }) {
  const { label, effect, isDangerous } = actionTexts[action]
  const run = async () => {
    const params = { path: { id } }
    await answer(
      {
        revoke: () => api.POST('/v1/admin/users/{id}/revoke', { params }),
        rotate: () => api.POST('/v1/admin/users/{id}/rotate', { params }),
        verify: () => api.POST('/v1/admin/users/{id}/verify', { params }),
        disable: () => api.POST('/v1/admin/users/{id}/disable', { params }),
        enable: () => api.POST('/v1/admin/users/{id}/enable', { params }),
      }[action](),
    )
    onDone()
  }
  return (
    <ActionDialog
      title={`${label} ${email}`}
      confirmLabel={label}
      isDangerous={isDangerous}
      run={run}
      result={() => (
        <>
          <p>{doneTexts[action]}</p>
          <Propagation />
        </>
      )}
      onClose={onClose}
    >
      <p>{effect}</p>
    </ActionDialog>
  )
}
