import { Facts } from '../../ui/facts.js'

/** The rights of an account or a client. */
export function RightsFacts({ grants }: { readonly grants: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(grants)
    .filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => [`Right: ${name}`, textOf(value)] as const)
  return entries.length === 0 ? <p class="hint">No roles and no scope.</p> : <Facts entries={entries} />
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
