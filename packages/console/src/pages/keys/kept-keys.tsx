import { Badge } from '../../ui/badge.js'
import { DataTable } from '../../ui/data-table.js'
import type { Keys } from './use-keys.js'

type Version = Keys['kept_keys'][number]

const uses: Readonly<Record<string, string>> = {
  'kid-key': 'Key IDs of tenant secrets',
  'shared-cache-key': 'Entries in Redis',
  'refresh-key': 'Refresh tokens of the library',
  'server:refresh-key': 'Refresh tokens',
  'server:session-id-key': 'Session IDs',
  'server:protection-key': 'Device tokens, and names in counters',
  'server:audit-key': 'The audit log',
  'server:mail-key': 'Waiting e-mails',
  'server:factor-key': 'Secrets of authenticator apps',
}

const stages = {
  current: ['good', 'In use'],
  next: ['warning', 'Next: announced to every server'],
  ending: ['warning', 'Being ended'],
  retired: ['neutral', 'Replaced: refused'],
} as const

/** The keys that all servers share, each with its versions during and after a replacement. */
export function KeptKeys({ keys: { kept_keys: versions } }: { readonly keys: Keys }) {
  const byName = new Map<string, Version[]>()
  for (const version of versions) byName.set(version.name, [...(byName.get(version.name) ?? []), version])
  return (
    <DataTable<readonly [string, readonly Version[]]>
      caption="Keys that all servers share"
      columns={[
        { title: 'Protects', cell: ([name]) => uses[name] ?? name },
        { title: 'Name', cell: ([name]) => <code>{name}</code> },
        { title: 'Versions', cell: ([, all]) => all.map((version) => <Stage key={version.stage} version={version} />) },
        { title: 'Master key', cell: ([, all]) => [...new Set(all.map(({ master_key_id: id }) => id))].join(', ') },
      ]}
      rows={[...byName]}
      rowKey={([name]) => name}
      empty="No kept key yet."
    />
  )
}

function Stage({ version: { stage } }: { readonly version: Version }) {
  const [kind, text] = stages[stage]
  return (
    <>
      <Badge kind={kind}>{text}</Badge>{' '}
    </>
  )
}
