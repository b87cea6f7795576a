import { DataTable } from '../../ui/data-table.js'
import { Section } from '../../ui/section.js'
import type { Stats } from './tiles.js'

const number = new Intl.NumberFormat()

const ageTexts: Readonly<Record<string, string>> = {
  '1d': 'Up to a day',
  '7d': 'Up to 7 days',
  '30d': 'Up to 30 days',
  '90d': 'Up to 90 days',
  '365d': 'Up to a year',
  older: 'Older',
}

/** The signing secrets by age. */
export function SecretAges({ ages }: { readonly ages: Stats['secrets'] | undefined }) {
  const total = ages?.reduce((sum, { count }) => sum + count, 0) ?? 0
  return (
    <Section title="Secrets by age">
      <DataTable
        caption="Signing secrets by age"
        rows={total === 0 ? [] : (ages ?? [])}
        rowKey={({ age }) => age}
        empty="No user has a secret yet: the first sign-in creates one."
        columns={[
          { title: 'Age', cell: ({ age }) => ageTexts[age] ?? age },
          { title: 'Secrets', isNumber: true, cell: ({ count }) => number.format(count) },
          {
            title: 'Share',
            cell: ({ count }) => (
              <svg class="bar" aria-hidden="true">
                <rect width={`${(count / total) * 100}%`} height="100%" />
              </svg>
            ),
          },
        ]}
      />
    </Section>
  )
}
