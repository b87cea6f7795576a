import { DataTable } from '../../ui/data-table.js'
import { Section } from '../../ui/section.js'
import { secondsOf } from './count-in.js'
import type { LiveState } from './live-feed.js'

type Refusal = LiveState['refusals'][number]

const number = new Intl.NumberFormat()

const kinds: Readonly<Record<Refusal['kind'], string>> = {
  verification: 'Tokens',
  sign_in: 'Sign-ins',
  introspection: 'Introspection',
  forward_auth: 'Forward-auth',
}

/** What the servers have refused in the last ten minutes, and why, the most frequent first. */
export function RefusalsSection({ history }: { readonly history: readonly LiveState[] }) {
  return (
    <Section title="Refusals, ten minutes">
      <DataTable
        caption="Refusals by reason"
        rows={refusalsIn(history)}
        rowKey={keyOf}
        empty="Nothing was refused while this page was open."
        columns={[
          { title: 'Of', cell: ({ kind }) => kinds[kind] },
          { title: 'Reason', cell: ({ title }) => title },
          { title: 'Code', cell: ({ code }) => <code>{code}</code> },
          { title: 'Number', isNumber: true, cell: ({ count }) => number.format(Math.round(count)) },
        ]}
      />
    </Section>
  )
}

type Counted = Omit<Refusal, 'rate'> & { readonly count: number }

function keyOf({ kind, code }: Pick<Refusal, 'kind' | 'code'>): string {
  return `${kind} ${code}`
}

function refusalsIn(history: readonly LiveState[]): readonly Counted[] {
  const counted = new Map<string, Counted>()
  for (const { state, seconds } of secondsOf(history)) {
    for (const { rate, ...refusal } of state.refusals) {
      const key = keyOf(refusal)
      counted.set(key, { ...refusal, count: (counted.get(key)?.count ?? 0) + rate * seconds })
    }
  }
  return [...counted.values()].toSorted((one, other) => other.count - one.count)
}
