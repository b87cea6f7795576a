import type { ComponentChildren } from 'preact'

interface BadgeProps {
  readonly kind?: 'good' | 'warning' | 'bad' | 'neutral'
  readonly children: ComponentChildren
}

/** A short state in words; the color only repeats it. */
export function Badge({ kind = 'neutral', children }: BadgeProps) {
  return <span class={`badge ${kind}`}>{children}</span>
}
