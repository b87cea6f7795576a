import { base } from '../base.js'
import { CopyButton } from './copy-button.js'

interface CurlButtonProps {
  readonly method: string
  readonly path: string
}

/** Copies a request of the page as a command of curl. */
export function CurlButton({ method, path }: CurlButtonProps) {
  const url = new URL(base + path, location.href).href
  return (
    <CopyButton
      text={`curl --request ${method} '${url}' --header "Authorization: Bearer $TOKEN"`}
      label="Copy as curl"
    />
  )
}
