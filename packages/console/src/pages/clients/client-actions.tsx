import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Propagation } from '../../ui/propagation.js'
import type { DescribedClient } from './client-types.js'

/** An action on a client that needs no input. */
export type ClientAction = 'disable' | 'enable' | 'rotate' | 'revoke' | 'delete'

interface Wording {
  readonly title: (name: string) => string
  readonly effects: string
  readonly confirm: string
  readonly done: string
  readonly isDangerous?: boolean
  /** Tokens end, so that verifiers must learn it. */
  readonly endsTokens?: boolean
}

const wordings: Readonly<Record<ClientAction, Wording>> = {
  disable: {
    title: (name) => `Disable ${name}`,
    effects:
      'The client gets no tokens any more, and all its tokens end now, in every process. You can enable it again.',
    confirm: 'Disable',
    done: 'The client is disabled, and its tokens have ended.',
    isDangerous: true,
    endsTokens: true,
  },
  enable: {
    title: (name) => `Enable ${name}`,
    effects: 'The client can get tokens again with its secrets. Tokens that have ended stay ended.',
    confirm: 'Enable',
    done: 'The client is enabled.',
  },
  rotate: {
    title: (name) => `Rotate the signing secret of ${name}`,
    effects:
      'A new signing secret signs the next tokens of the client. Its tokens stay valid until the grace period ends. ' +
      'The client secret with which it gets tokens stays the same.',
    confirm: 'Rotate',
    done: 'A new signing secret signs from now on.',
  },
  revoke: {
    title: (name) => `Revoke the tokens of ${name}`,
    effects: 'All tokens of the client end now, in every process. It can get new ones at once with its client secret.',
    confirm: 'Revoke',
    done: 'The tokens of the client have ended.',
    isDangerous: true,
    endsTokens: true,
  },
  delete: {
    title: (name) => `Delete ${name}`,
    effects: 'The client, its secrets and its tokens end now, in every process. This cannot be undone.',
    confirm: 'Delete',
    done: 'The client is deleted.',
    isDangerous: true,
    endsTokens: true,
  },
}

interface ClientActionDialogProps {
  readonly action: ClientAction
  readonly client: DescribedClient
  readonly onClose: (isDone: boolean) => void
}

/** Says what an action will do to a client, and does it. */
export function ClientActionDialog({ action, client: { id, name }, onClose }: ClientActionDialogProps) {
  const { title, effects, confirm, done, isDangerous = false, endsTokens = false } = wordings[action]
  const isDone = useRef(false)
  const result = (): ComponentChildren => (
    <>
      <p>{done}</p>
      {endsTokens ? <Propagation /> : null}
    </>
  )
  const run = async () => {
    await send(action, id)
    isDone.current = true
  }
  return (
    <ActionDialog
      title={title(name)}
      confirmLabel={confirm}
      isDangerous={isDangerous}
      run={run}
      result={result}
      onClose={() => onClose(isDone.current)}
    >
      <p>{effects}</p>
    </ActionDialog>
  )
}

function send(action: ClientAction, id: string): Promise<unknown> {
  const params = { params: { path: { id } } }
  if (action === 'delete') return answer(api.DELETE('/v1/admin/clients/{id}', params))
  return answer(api.POST(`/v1/admin/clients/{id}/${action}`, params))
}
