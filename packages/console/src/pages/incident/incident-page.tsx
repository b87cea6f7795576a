import { useLocation } from 'preact-iso'
import { consolePath } from '../../base.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { cases, type IncidentCase } from './cases.js'
import './incident.css'

/** The page "Incident": the cases, or the guide of the case that the URL names. */
export default function IncidentPage() {
  const { query } = useLocation()
  const found = cases.find(({ name }) => name === query.case)
  return found === undefined ? <Cases /> : <Guide key={found.name} found={found} />
}

function Cases() {
  return (
    <Page
      title="Incident"
      intro="What has happened? Each guide begins with the step that stops the damage, says what it will do before it does it, and can be left and opened again at any time."
    >
      <ul class="incidents">
        {cases.map(({ name, title, when, first, opensDialog }) => (
          <li key={name}>
            <Section title={title}>
              <p>{when}</p>
              <a class="button danger" href={`${consolePath}/incident?case=${name}${opensDialog ? '&ask=1' : ''}`}>
                {first}
              </a>
            </Section>
          </li>
        ))}
      </ul>
    </Page>
  )
}

function Guide({ found: { title, when, steps: Steps } }: { readonly found: IncidentCase }) {
  return (
    <Page
      title={title}
      intro={when}
      actions={
        <a class="button plain" href={`${consolePath}/incident`}>
          All incidents
        </a>
      }
    >
      <ol class="steps">
        <Steps />
      </ol>
    </Page>
  )
}
