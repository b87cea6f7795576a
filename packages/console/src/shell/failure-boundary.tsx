import { Component, type ComponentChildren } from 'preact'
import { Button } from '../ui/button.js'

interface FailureBoundaryProps {
  /** An error is forgotten once this changes. */
  readonly path?: string
  readonly children: ComponentChildren
}

interface FailureBoundaryState {
  readonly failure?: { readonly error: unknown; readonly path: string | undefined }
}

/** Shows an error of the console itself in the place of its content. */
export class FailureBoundary extends Component<FailureBoundaryProps, FailureBoundaryState> {
  override state: FailureBoundaryState = {}

  override componentDidCatch(error: unknown): void {
    console.error(error)
    this.setState({ failure: { error, path: this.props.path } })
  }

  render({ children, path }: FailureBoundaryProps, { failure }: FailureBoundaryState) {
    if (failure === undefined || failure.path !== path) return children
    const text = failure.error instanceof Error ? failure.error.message : String(failure.error)
    const notice = (
      <div class="notice problem" role="alert">
        <h1>The console has failed</h1>
        <p>
          This page cannot be shown. Nothing that you did on it is lost on the server. Reload it; if that does not help,
          report it with the text below.
        </p>
        <p class="hint">
          <code>{text}</code>
        </p>
        <Button kind="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    )
    // With a path it is inside the frame, which has the main landmark.
    return path === undefined ? <main class="alone">{notice}</main> : notice
  }
}
