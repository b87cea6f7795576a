import type { ComponentChildren } from 'preact'
import { Badge } from '../../ui/badge.js'
import { Section } from '../../ui/section.js'

interface StepProps {
  readonly title: string
  /** Whether a check says that the step is done; `undefined`: nothing can check it. */
  readonly isDone?: boolean | undefined
  readonly children: ComponentChildren
}

/** A step of a guide. */
export function Step({ title, isDone, children }: StepProps) {
  return (
    <li class="step">
      <Section title={title} actions={isDone === undefined ? undefined : <State isDone={isDone} />}>
        {children}
      </Section>
    </li>
  )
}

function State({ isDone }: { readonly isDone: boolean }) {
  return <Badge kind={isDone ? 'good' : 'warning'}>{isDone ? 'Done' : 'To do'}</Badge>
}
