import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'

/** A part of a page that a tab shows. */
export interface Tab {
  readonly name: string
  readonly title: string
  readonly content: () => ComponentChildren
}

interface TabsProps {
  readonly label: string
  readonly tabs: readonly Tab[]
  /** The name of the shown tab, for a page that keeps it in its URL. @defaultValue kept here */
  readonly selected?: string | undefined
  readonly onSelect?: (name: string) => void
}

/** Tabs (ARIA Authoring Practices Guide, "Tabs"): arrow keys move between them. */
export function Tabs({ label, tabs, selected, onSelect }: TabsProps) {
  const id = useId()
  const [own, setOwn] = useState(tabs[0]?.name)
  const current = selected ?? own
  const setCurrent = (name: string | undefined) => {
    setOwn(name)
    if (name !== undefined) onSelect?.(name)
  }
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const index = tabs.findIndex(({ name }) => name === current)
    const next = tabs[(index + step + tabs.length) % tabs.length]
    setCurrent(next?.name)
    document.getElementById(`${id}-${next?.name}`)?.focus()
  }
  const shown = tabs.find(({ name }) => name === current)
  return (
    <>
      <div role="tablist" aria-label={label} class="tabs" onKeyDown={move}>
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === current}
            aria-controls={`${id}-panel`}
            tabIndex={name === current ? 0 : -1}
            onClick={() => setCurrent(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`}>
        {shown?.content()}
      </div>
    </>
  )
}
