import type { ComponentChildren } from 'preact'
import { CopyButton } from '../../ui/copy-button.js'
import { Facts } from '../../ui/facts.js'
import type { AuditEntry } from './audit-words.js'

/** The details of an entry, closed at first. */
export function AuditDetail({ entry }: { readonly entry: AuditEntry }) {
  const { id, session, account, detail } = entry
  const members = Object.entries((detail ?? {}) as Readonly<Record<string, unknown>>)
  const { reason, count } = (detail ?? {}) as { readonly reason?: unknown; readonly count?: unknown }
  return (
    <details>
      <summary>
        {typeof reason === 'string' ? reason : 'Details'}
        {typeof count === 'number' ? ` (${count} times)` : null}
      </summary>
      <Facts
        entries={[
          ...members.map(([name, value]) => [wordsOf(name), shownValue(value)] as const),
          ...(session === null ? [] : [['Session ID', session] as const]),
          ...(account === null ? [] : [['Account ID', account] as const]),
          ['Entry ID', id],
        ]}
      />
      <CopyButton text={JSON.stringify(entry, null, 2)} label="Copy as JSON" />
    </details>
  )
}

function wordsOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
}

function shownValue(value: unknown): ComponentChildren {
  if (typeof value !== 'object' || value === null) return String(value === '' || value === null ? '–' : value)
  return (
    <>
      {Object.entries(value).map(([name, member]) => (
        <div key={name}>
          {wordsOf(name)}: {typeof member === 'object' && member !== null ? JSON.stringify(member) : String(member)}
        </div>
      ))}
    </>
  )
}
