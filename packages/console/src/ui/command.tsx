import { CopyButton } from './copy-button.js'

/** A command for a terminal, to copy. */
export function Command({ text }: { readonly text: string }) {
  return (
    <div class="command">
      <pre>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label="Copy" />
    </div>
  )
}
