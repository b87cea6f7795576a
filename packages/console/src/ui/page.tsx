import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { endArrival } from '../shell/arrival.js'

interface PageProps {
  readonly title: string
  /** One or two sentences for a newcomer. */
  readonly intro?: ComponentChildren
  /** Buttons beside the title. */
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

/** The frame of the content of a page. Its title is the title of the document as well. */
export function Page({ title, intro, actions, children }: PageProps) {
  useEffect(() => {
    endArrival(title)
  }, [title])
  return (
    <>
      <div class="page-header">
        <h1 tabIndex={-1}>{title}</h1>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </div>
      {intro === undefined ? null : <p class="intro">{intro}</p>}
      {children}
    </>
  )
}
