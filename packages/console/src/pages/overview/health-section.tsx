import { answer, api } from '../../api/client.js'
import type { paths } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Badge } from '../../ui/badge.js'
import { Section } from '../../ui/section.js'

type PartHealth = paths['/v1/admin/health']['get']['responses']['200']['content']['application/json']['parts'][number]

const names: Readonly<Record<PartHealth['name'], string>> = {
  database: 'Database',
  change_feed: 'Change feed',
  redis: 'Redis',
  mail: 'Mail',
  master_keys: 'Master keys',
  backups: 'Backups',
  audit_log: 'Audit log',
  disk: 'Disk',
  network: 'Issuer and proxies',
}

const states = {
  ok: { kind: 'good', text: 'Works' },
  degraded: { kind: 'warning', text: 'Needs attention' },
  down: { kind: 'bad', text: 'Does not work' },
} as const satisfies Record<PartHealth['state'], { kind: 'good' | 'warning' | 'bad'; text: string }>

const everyMs = 5000

/** The health of each part, in words, with what to do. */
export function HealthSection() {
  const { data, problem } = useAnswer('health', (signal) => answer(api.GET('/v1/admin/health', { signal })), {
    everyMs,
  })
  if (problem !== undefined) return <UnknownHealth code={problem.code} text={`${problem.message} ${problem.hint}`} />
  return (
    <Section title="Health">
      {data === undefined ? <p class="loading">Loading…</p> : null}
      <ul class="health">
        {data?.parts.map(({ name, state, summary, advice }) => (
          <li key={name}>
            <div class="part">
              <strong>{names[name]}</strong> <Badge kind={states[state].kind}>{states[state].text}</Badge>
            </div>
            <div>
              {summary}
              {advice === '' ? null : <p class="hint">{advice}</p>}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** The server needs its database to know who asks, so it cannot say more without it. */
function UnknownHealth({ code, text }: { readonly code: string; readonly text: string }) {
  const isDatabase = code.startsWith('store_')
  return (
    <Section title="Health">
      <ul class="health">
        <li>
          <div class="part">
            <strong>{isDatabase ? 'Database' : 'Server'}</strong> <Badge kind="bad">Does not work</Badge>
          </div>
          <div>
            {isDatabase ? 'The database does not answer.' : text}
            <p class="hint">
              {isDatabase
                ? 'Run "latchkey doctor" on the machine of a server. This page goes on by itself when it answers. '
                : 'This page tries again by itself. '}
              <code>{code}</code>
            </p>
          </div>
        </li>
      </ul>
    </Section>
  )
}
