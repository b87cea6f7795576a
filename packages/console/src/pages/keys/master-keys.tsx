import { Badge } from '../../ui/badge.js'
import { DataTable } from '../../ui/data-table.js'
import type { Keys } from './use-keys.js'

type MasterKey = Keys['master_keys'][number]

/** The master keys: what each one does, and how much depends on it. */
export function MasterKeys({ keys: { master_keys: all, encryption_limit: limit } }: { readonly keys: Keys }) {
  return (
    <DataTable<MasterKey>
      caption="Master keys"
      columns={[
        { title: 'ID', cell: ({ id }) => <code>{id}</code> },
        { title: 'Use', cell: (key) => <Use masterKey={key} /> },
        { title: 'Secrets', cell: ({ secrets }) => secrets.toLocaleString('en'), isNumber: true },
        {
          title: 'Encryptions so far',
          cell: ({ encryptions }) =>
            `${encryptions.toLocaleString('en')} (${((encryptions / limit) * 100).toFixed(2)} % of the limit)`,
          isNumber: true,
        },
      ]}
      rows={all}
      rowKey={({ id }) => id}
      empty="The server has no master key."
    />
  )
}

function Use({ masterKey: { in_ring: isInRing, encrypts, needed } }: { readonly masterKey: MasterKey }) {
  if (!isInRing) return <Badge kind="bad">Missing in this server, and needed</Badge>
  if (encrypts) return <Badge kind="good">Encrypts</Badge>
  return needed ? (
    <Badge kind="warning">Decrypts, still needed</Badge>
  ) : (
    <Badge>Encrypts nothing: new, or no longer needed</Badge>
  )
}
