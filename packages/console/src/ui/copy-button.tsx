import { useState } from 'preact/hooks'
import { Button } from './button.js'

/** Copies a text to the clipboard, and says so, or says that the browser does not allow it. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [state, setState] = useState<{ readonly text: string; readonly outcome: string }>()
  const copy = async () => {
    try {
      // The API is missing where the page is not served over https or from this machine.
      await navigator.clipboard.writeText(text)
      setState({ text, outcome: 'Copied' })
    } catch {
      setState({ text, outcome: 'The browser does not allow copying' })
    }
  }
  return (
    <Button onClick={copy}>
      <span aria-live="polite">{state?.text === text ? state.outcome : label}</span>
    </Button>
  )
}
