import type { ComponentChildren, FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { administrator } from '../../administrator.js'
import { Button } from '../../ui/button.js'
import { actionTexts, type UserAction } from '../users/action-texts.js'
import type { User } from '../users/use-user-list.js'
import { CancelFactorResetDialog } from './cancel-factor-reset-dialog.js'
import { DeleteDialog } from './delete-dialog.js'
import { ImpersonateDialog } from './impersonate-dialog.js'
import { RequirePasswordDialog } from './require-password-dialog.js'
import { ResetFactorsDialog } from './reset-factors-dialog.js'
import { ResetLinkDialog } from './reset-link-dialog.js'
import { SimpleDialog } from './simple-dialog.js'

/** What the dialog of an action needs. */
export interface UserDialogProps {
  readonly user: User
  readonly onClose: () => void
  /** Called when the account has changed. */
  readonly onDone: () => unknown
}

interface Action {
  readonly name: string
  readonly label: string
  readonly kind?: 'primary' | 'danger' | 'plain'
  /** Whether the action makes sense for the account. */
  readonly isOffered: (user: User) => boolean
  readonly dialog: FunctionComponent<UserDialogProps>
}

const isOther = ({ id }: User) => administrator.value?.id !== id

const actions: readonly Action[] = [
  simple('revoke', () => true, 'danger'),
  simple('rotate', ({ disabled_at }) => disabled_at === null),
  {
    name: 'require-password',
    label: 'Require a new password',
    isOffered: (user) => isOther(user) && user.email_verified && user.disabled_at === null,
    dialog: RequirePasswordDialog,
  },
  {
    name: 'reset-link',
    label: 'Reset link',
    isOffered: ({ role, disabled_at }) => role !== 'admin' && disabled_at === null,
    dialog: ResetLinkDialog,
  },
  {
    name: 'reset-factors',
    label: 'Reset factors',
    isOffered: (user) => isOther(user) && user.second_factor && user.role !== 'admin' && user.factor_reset_at === null,
    dialog: ResetFactorsDialog,
  },
  {
    name: 'cancel-factor-reset',
    label: 'Stop the factor reset',
    isOffered: ({ factor_reset_at }) => factor_reset_at !== null,
    dialog: CancelFactorResetDialog,
  },
  {
    name: 'impersonate',
    label: 'Act as this user',
    isOffered: ({ role, disabled_at }) => role === 'user' && disabled_at === null,
    dialog: ImpersonateDialog,
  },
  simple('verify', ({ email_verified }) => !email_verified),
  simple('enable', ({ disabled_at }) => disabled_at !== null),
  simple('disable', (user) => isOther(user) && user.disabled_at === null, 'danger'),
  { name: 'delete', label: 'Delete', kind: 'danger', isOffered: isOther, dialog: DeleteDialog },
]

function simple(name: UserAction, isOffered: Action['isOffered'], kind: Action['kind'] = 'plain'): Action {
  const dialog = (props: UserDialogProps) => <SimpleDialog action={name} {...props} />
  return { name, label: actionTexts[name].label, kind, isOffered, dialog }
}

/** The buttons of the actions that make sense for an account, and the dialog of the chosen one. */
export function UserActions({ user, onDone }: Omit<UserDialogProps, 'onClose'>): ComponentChildren {
  const [chosen, choose] = useState<Action>()
  const Chosen = chosen?.dialog
  return (
    <>
      <section class="actions" aria-label="Actions">
        {actions
          .filter(({ isOffered }) => isOffered(user))
          .map((action) => (
            <Button key={action.name} kind={action.kind ?? 'plain'} onClick={() => choose(action)}>
              {action.label}…
            </Button>
          ))}
      </section>
      {Chosen === undefined ? null : <Chosen user={user} onDone={onDone} onClose={() => choose(undefined)} />}
    </>
  )
}
