import type { ComponentChildren } from 'preact'
import { DataTable } from '../../ui/data-table.js'
import { relativeTime } from '../../ui/time.js'
import { claimWords, dateClaims } from './claim-words.js'

interface ClaimTableProps {
  readonly caption: string
  readonly members: Readonly<Record<string, unknown>>
  /** The time of the server, which the relative times are counted from. */
  readonly now?: string
}

/** Members of a header or of claims, with their meaning and their times in words. */
export function ClaimTable({ caption, members, now }: ClaimTableProps) {
  return (
    <DataTable
      caption={caption}
      columns={[
        { title: 'Name', cell: ([name]) => <code>{name}</code> },
        { title: 'Value', cell: ([name, value]) => shownValue(name, value, now) },
        { title: 'Meaning', cell: ([name]) => claimWords[name] ?? 'A claim of an application' },
      ]}
      rows={Object.entries(members)}
      rowKey={([name]) => name}
      empty="None."
    />
  )
}

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long', timeZone: 'UTC' })

function shownValue(name: string, value: unknown, now: string | undefined): ComponentChildren {
  const ms = dateClaims.has(name) && typeof value === 'number' ? value * 1000 : Number.NaN
  if (Math.abs(ms) <= 8.64e15) {
    const distance = relativeTime(ms, now === undefined ? Date.now() : Date.parse(now))
    return (
      <>
        <strong>{distance}</strong>
        <br />
        {absolute.format(ms)}
        <br />
        <code>{String(value)}</code>
      </>
    )
  }
  return <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
}
