import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Button } from '../../ui/button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { DataTable } from '../../ui/data-table.js'
import { Facts } from '../../ui/facts.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { type ClientAction, ClientActionDialog } from './client-actions.js'
import { ChangeClientDialog } from './client-form.js'
import { ClientState, ScopeList } from './client-state.js'
import type { DescribedClient } from './client-types.js'
import { RotateClientSecret } from './rotate-client-secret.js'

interface ClientDetailsProps {
  readonly id: string
  /** Called after a change, with whether the client is gone. */
  readonly onChanged: (isDeleted: boolean) => void
}

/** One client: its rights, its secrets, and what an administrator can do with it. */
export function ClientDetails({ id, onChanged }: ClientDetailsProps) {
  const found = useAnswer(`client ${id}`, (signal) =>
    answer(api.GET('/v1/admin/clients/{id}', { params: { path: { id } }, signal })),
  )
  const changed = (isDeleted: boolean) => {
    if (!isDeleted) void found.reload()
    onChanged(isDeleted)
  }
  return <Loaded answer={found}>{(client) => <Described client={client} onChanged={changed} />}</Loaded>
}

type OpenDialog = ClientAction | 'change' | 'secret'

interface DescribedProps {
  readonly client: DescribedClient
  readonly onChanged: (isDeleted: boolean) => void
}

function Described({ client, onChanged }: DescribedProps) {
  const [dialog, setDialog] = useState<OpenDialog>()
  const close = (isDeleted = false) => {
    setDialog(undefined)
    onChanged(isDeleted)
  }
  return (
    <>
      <Section title={client.name} actions={mayChange() ? <Actions client={client} open={setDialog} /> : undefined}>
        <Facts
          entries={[
            ['State', <ClientState key="state" client={client} />],
            ['Client ID', <code key="id">{client.id}</code>],
            ['Scope', <ScopeList key="scope" scope={client.scope} />],
            ['May introspect', client.may_introspect ? 'yes' : 'no'],
            ['Created', <Time key="created" at={client.created_at} full />],
          ]}
        />
        <div class="actions after">
          <a class="button plain" href={`${consolePath}/audit?account=${client.id}`}>
            Its audit log
          </a>
          <CurlButton method="GET" path={`/v1/admin/clients/${client.id}`} />
        </div>
      </Section>
      <Section
        title="Client secrets"
        actions={mayChange() ? <Button onClick={() => setDialog('secret')}>New client secret</Button> : undefined}
      >
        <p class="hint">With a client secret the client gets tokens. The server keeps only hashes.</p>
        <DataTable
          caption={`The secrets of ${client.name}`}
          rows={client.secrets}
          rowKey={({ id }) => id}
          columns={[
            { title: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
            {
              title: 'Last used',
              cell: ({ last_used_at }) => (last_used_at === null ? 'never' : <Time at={last_used_at} />),
            },
            {
              title: 'Ends',
              cell: ({ retires_at }) => (retires_at === null ? 'does not end' : <Time at={retires_at} />),
            },
          ]}
          empty={<p>The client has no valid secret. Create one, so that it can get tokens.</p>}
        />
      </Section>
      {dialog === undefined ? null : <OpenedDialog dialog={dialog} client={client} onClose={close} />}
    </>
  )
}

function Actions({ client, open }: { readonly client: DescribedClient; readonly open: (dialog: OpenDialog) => void }) {
  return (
    <>
      <Button onClick={() => open('change')}>Change</Button>
      <Button onClick={() => open('rotate')}>Rotate signing secret</Button>
      <Button onClick={() => open('revoke')}>Revoke tokens</Button>
      {client.disabled_at === null ? (
        <Button onClick={() => open('disable')}>Disable</Button>
      ) : (
        <Button onClick={() => open('enable')}>Enable</Button>
      )}
      <Button kind="danger" onClick={() => open('delete')}>
        Delete
      </Button>
    </>
  )
}

interface OpenedDialogProps {
  readonly dialog: OpenDialog
  readonly client: DescribedClient
  readonly onClose: (isDeleted?: boolean) => void
}

function OpenedDialog({ dialog, client, onClose }: OpenedDialogProps) {
  if (dialog === 'change') return <ChangeClientDialog client={client} onClose={() => onClose()} />
  if (dialog === 'secret') return <RotateClientSecret client={client} onClose={() => onClose()} />
  return (
    <ClientActionDialog action={dialog} client={client} onClose={(isDone) => onClose(isDone && dialog === 'delete')} />
  )
}
