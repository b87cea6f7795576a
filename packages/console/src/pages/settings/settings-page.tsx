import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Badge } from '../../ui/badge.js'
import { CurlButton } from '../../ui/curl-button.js'
import { DataTable } from '../../ui/data-table.js'
import { SelectField, TextField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { durationText } from '../../ui/time.js'
import { useQuery } from '../../ui/use-query.js'

type Setting = operations['readSettings']['responses'][200]['content']['application/json']['settings'][number]

const groupTitles: Readonly<Record<string, string>> = {
  general: 'Server, tokens and accounts',
  database: 'Database and master keys',
  passkeys: 'Passkeys',
  mail: 'E-mail',
  languages: 'Languages',
  limits: 'Rate limits',
}

const sources = [
  ['', 'Any'],
  ['environment', 'Environment'],
  ['file', 'File'],
  ['default', 'Default'],
] as const

/** The page "Settings". */
export default function SettingsPage() {
  const { get, set } = useQuery()
  const found = useAnswer('settings', (signal) => answer(api.GET('/v1/admin/settings', { signal })))
  return (
    <Page
      title="Settings"
      intro="The values that are in effect on the server that answered, and where each one comes from. Settings are environment variables; a change needs a restart. Secrets are never shown."
      actions={<CurlButton method="GET" path="/v1/admin/settings" />}
    >
      <div class="toolbar">
        <TextField label="Search" type="search" value={get('q')} onChange={(q) => set({ q })} />
        <SelectField label="Source" value={get('source')} onChange={(source) => set({ source })} options={sources} />
      </div>
      <Loaded answer={found}>
        {({ settings }) => {
          const shown = settings.filter((setting) => isMatch(setting, get('q'), get('source')))
          const groups = [...new Set(shown.map(({ group }) => group))]
          if (groups.length === 0) return <p class="empty">No setting matches.</p>
          return groups.map((group) => (
            <Group key={group} group={group} settings={shown.filter((setting) => setting.group === group)} />
          ))
        }}
      </Loaded>
    </Page>
  )
}

function isMatch({ name, description, source }: Setting, search: string, wanted: string): boolean {
  const words = search.toLowerCase().split(/\s+/)
  const text = `${name} ${description}`.toLowerCase()
  return (wanted === '' || source === wanted) && words.every((word) => text.includes(word))
}

function Group({ group, settings }: { readonly group: string; readonly settings: readonly Setting[] }) {
  return (
    <Section title={groupTitles[group] ?? group}>
      <DataTable
        caption={groupTitles[group] ?? group}
        columns={[
          { title: 'Setting', cell: (setting) => <Explanation setting={setting} /> },
          { title: 'Value', cell: (setting) => <Value setting={setting} /> },
          { title: 'Source', cell: ({ source }) => <Source source={source} /> },
        ]}
        rows={settings}
        rowKey={({ name }) => name}
        empty={null}
      />
    </Section>
  )
}

function Explanation({ setting }: { readonly setting: Setting }) {
  const { name, description, accepts, default: defaultText } = setting
  return (
    <details>
      <summary>
        <code>{name}</code>
      </summary>
      <p>{description}</p>
      <p class="hint">It must be {accepts}.</p>
      {defaultText === null ? null : <p class="hint">Default: {defaultText}.</p>}
    </details>
  )
}

function Value({ setting: { secret, set, value, accepts } }: { readonly setting: Setting }) {
  if (secret) return set ? <Badge kind="good">Set</Badge> : <Badge>Not set</Badge>
  if (value === null) return <span class="hint">none</span>
  const unitMs = accepts.startsWith('a whole number of seconds') ? 1000 : 1
  const isDuration = accepts.startsWith('a whole number of ') && Number(value) * unitMs >= 1000
  return (
    <>
      <code>{value}</code> {isDuration ? <span class="hint">{durationText(Number(value) * unitMs)}</span> : null}
    </>
  )
}

function Source({ source }: { readonly source: Setting['source'] }) {
  const [, label] = sources.find(([name]) => name === source) ?? ['', source]
  return source === 'default' ? <span class="hint">{label}</span> : <strong>{label}</strong>
}
