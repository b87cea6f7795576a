import { useEffect, useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { answer, api } from '../api/client.js'
import { useAnswer } from '../api/use-answer.js'
import { Dialog } from '../ui/dialog.js'
import { ProblemNotice } from '../ui/problem-notice.js'
import { closeOverlay } from './overlay.js'
import { type FoundUser, type PaletteEntry, type PaletteGroup, paletteGroups } from './palette-entries.js'

/** Pages, users and actions by typing (ARIA Authoring Practices Guide, "Combobox"). */
export function Palette() {
  const { route } = useLocation()
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const { data: users = [], problem } = useFoundUsers(text)
  const groups = paletteGroups(text, users)
  const entries = groups.flatMap((group) => group.entries)
  const current = entries[Math.min(active, entries.length - 1)]
  const id = useId()
  const choose = ({ target }: PaletteEntry) => {
    closeOverlay()
    if (typeof target === 'string') route(target)
    else void target()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && current !== undefined)
      setActive((entries.indexOf(current) + step + entries.length) % entries.length)
    else if (event.key === 'Enter' && current !== undefined) choose(current)
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Go to" onClose={closeOverlay}>
      <input
        role="combobox"
        type="text"
        aria-label="A page, a user or an action"
        aria-autocomplete="list"
        aria-expanded={entries.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={current === undefined ? undefined : `${id}-${current.id}`}
        autocomplete="off"
        spellcheck={false}
        autofocus
        maxLength={254}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value)
          setActive(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ProblemNotice problem={problem} />
      <Choices id={id} groups={groups} current={current} choose={choose} />
      <p class="hint" role="status">
        {entries.length === 0
          ? 'Nothing found.'
          : `${entries.length} found. Arrow keys move, Enter opens. Two characters find users.`}
      </p>
    </Dialog>
  )
}

interface ChoicesProps {
  readonly id: string
  readonly groups: readonly PaletteGroup[]
  readonly current: PaletteEntry | undefined
  readonly choose: (entry: PaletteEntry) => void
}

/** The list that the text field controls. The focus stays in the field. */
function Choices({ id, groups, current, choose }: ChoicesProps) {
  const currentId = current?.id
  useEffect(() => {
    document.getElementById(`${id}-${currentId}`)?.scrollIntoView({ block: 'nearest' })
  }, [id, currentId])
  if (groups.length === 0) return null
  return (
    <div role="listbox" id={`${id}-list`} class="choices" aria-label="Found">
      {groups.map(({ title, entries }) => (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be in a listbox.
        <div key={title} role="group" aria-labelledby={`${id}-${title}`}>
          <div class="choices-title" id={`${id}-${title}`} role="presentation">
            {title}
          </div>
          {entries.map((entry) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the keys are those of the text field, which keeps the focus.
            <div
              key={entry.id}
              role="option"
              id={`${id}-${entry.id}`}
              class="choice"
              aria-selected={entry.id === currentId}
              onClick={() => choose(entry)}
            >
              {entry.title}
            </div>
          ))}
        </div>
      ))}
    </div>
  )
}

/** The time without a key after which a search begins. */
const pauseMs = 150

const minLength = 2

const maxUsers = 8

/** Searches for accounts whose name or address contains the text. */
function useFoundUsers(text: string) {
  const [search, setSearch] = useState('')
  useEffect(() => {
    const trimmed = text.trim()
    const timer = setTimeout(() => setSearch(trimmed.length < minLength ? '' : trimmed), pauseMs)
    return () => clearTimeout(timer)
  }, [text])
  return useAnswer<readonly FoundUser[]>(`found-users ${search}`, async (signal) => {
    if (search === '') return []
    const query = { search, limit: maxUsers }
    return (await answer(api.GET('/v1/admin/users', { params: { query }, signal }))).users
  })
}
