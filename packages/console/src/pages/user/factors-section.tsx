import { answer, api } from '../../api/client.js'
import type { components, operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Badge } from '../../ui/badge.js'
import { type Column, DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import type { User } from '../users/use-user-list.js'

type Factor = components['schemas']['Factor']
type Overview = operations['listUserFactors']['responses'][200]['content']['application/json']

interface FactorsSectionProps {
  readonly user: User
  /** Loads again when it changes. */
  readonly version: number
}

/** The factors of an account; its owner alone adds and removes single ones. */
export function FactorsSection({ user: { id, factor_reset_at }, version }: FactorsSectionProps) {
  const overview = useAnswer(`factors ${id} ${version}`, (signal) =>
    answer(api.GET('/v1/admin/users/{id}/factors', { params: { path: { id } }, signal })),
  )
  return (
    <Section title="Factors">
      {factor_reset_at === null ? null : (
        <p class="notice">
          A reset was requested: all factors end <Time at={factor_reset_at} full />, unless the owner signs in with one
          before, or an administrator stops the reset.
        </p>
      )}
      <Loaded answer={overview}>
        {({ factors, ...rest }) => (
          <>
            <DataTable
              caption="Factors"
              columns={columns}
              rows={factors}
              rowKey={(factor) => factor.id}
              empty="The password alone signs in. The owner can add a passkey or an authenticator app."
            />
            <Rest {...rest} />
          </>
        )}
      </Loaded>
    </Section>
  )
}

function Rest({ recovery_codes_left: codes, trusted_devices: devices }: Omit<Overview, 'factors'>) {
  if (codes === 0 && devices.length === 0) return null
  return (
    <>
      <p>Recovery codes left: {codes}.</p>
      {devices.length === 0 ? null : (
        <>
          <p>Devices that need no second factor:</p>
          <ul>
            {devices.map(({ name, device, expires_at }) => (
              <li key={name}>
                {device ?? 'an unknown device'}, until <Time at={expires_at} />
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

const columns: readonly Column<Factor>[] = [
  {
    title: 'Name',
    cell: ({ name, exposed }) => (
      <>
        {name} {exposed ? <Badge kind="bad">its secret may have leaked</Badge> : null}
      </>
    ),
  },
  { title: 'Kind', cell: ({ kind }) => (kind === 'totp' ? 'authenticator app' : 'passkey') },
  { title: 'Added', cell: ({ created_at }) => <Time at={created_at} /> },
  { title: 'Last use', cell: ({ last_used_at }) => <Time at={last_used_at} /> },
]
