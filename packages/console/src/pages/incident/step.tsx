import type { ComponentChildren } from 'preact'
import { Badge } from '../../ui/badge.js'
import { Section } from '../../ui/section.js'

interface StepProps {
  readonly title: string
  /** Whether a check says that the step is done; `undefined`: nothing can check it. */
  readonly isDone?: boolean | undefined
  /** The dialog of its action, while it is open. */
  readonly dialog?: ComponentChildren
  readonly children: ComponentChildren
}

/** A step of a guide. */
export function Step({ title, isDone, dialog, children }: StepProps) {
  return (
    <li class="step">
      <Section title={title} actions={isDone === undefined ? undefined : <State isDone={isDone} />}>
        {children}
      </Section>
      {dialog}
    </li>
  )
}

function State({ isDone }: { readonly isDone: boolean }) {
  return <Badge kind={isDone ? 'good' : 'warning'}>{isDone ? 'Done' : 'To do'}</Badge>
}
