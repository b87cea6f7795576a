import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Button } from '../../ui/button.js'
import { type Column, DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'

type Invitation = operations['listInvitations']['responses'][200]['content']['application/json']['invitations'][number]

/** The oldest 100 open invitations; nothing if there is none. `version`: loads again when it changes. */
export function InvitationsSection({ version }: { readonly version: number }) {
  const [revoking, setRevoking] = useState<Invitation>()
  const open = useAnswer(`invitations ${version}`, (signal) =>
    answer(api.GET('/v1/admin/invitations', { params: { query: { limit: 100 } }, signal })),
  )
  if (open.problem === undefined && (open.data?.invitations ?? []).length === 0) return null
  const revoke: Column<Invitation> = {
    title: 'Revoke',
    cell: (invitation) => (
      <Button label={`Revoke the invitation of ${invitation.email}`} onClick={() => setRevoking(invitation)}>
        Revoke…
      </Button>
    ),
  }
  return (
    <Section title="Open invitations">
      <Loaded answer={open}>
        {({ invitations }) => (
          <DataTable
            caption="Open invitations"
            columns={mayChange() ? [...columns, revoke] : columns}
            rows={invitations}
            rowKey={({ id }) => id}
            empty=""
          />
        )}
      </Loaded>
      {revoking === undefined ? null : (
        <RevokeDialog invitation={revoking} onDone={open.reload} onClose={() => setRevoking(undefined)} />
      )}
    </Section>
  )
}

const columns: readonly Column<Invitation>[] = [
  { title: 'Address', cell: ({ email }) => email },
  { title: 'Delivery', cell: ({ delivery }) => (delivery === 'mail' ? 'by letter' : 'a link to hand out') },
  { title: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
  { title: 'Expires', cell: ({ expires_at }) => <Time at={expires_at} /> },
]

interface RevokeDialogProps {
  readonly invitation: Invitation
  readonly onDone: () => Promise<void>
  readonly onClose: () => void
}

function RevokeDialog({ invitation: { id, email }, onDone, onClose }: RevokeDialogProps) {
  const run = async () => {
    await answer(api.DELETE('/v1/admin/invitations/{id}', { params: { path: { id } } }))
  }
  // The section may end with its last invitation, and the dialog with it.
  const close = async () => {
    onClose()
    await onDone()
  }
  return (
    <ActionDialog
      title={`Revoke the invitation of ${email}`}
      confirmLabel="Revoke the invitation"
      isDangerous
      run={run}
      result={() => <p>The invitation is revoked.</p>}
      onClose={() => void close()}
    >
      <p>Its link creates no account from now on. You can invite the address again.</p>
    </ActionDialog>
  )
}
