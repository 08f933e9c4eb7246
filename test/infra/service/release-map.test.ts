import assert from 'node:assert/strict';
import { ReleaseMap } from '#infra/service/release-map.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('the map of the release', () => {
  it('tells the release under a name that never changes, since pods hold it', async () => {
    const release = `sha256:${'1'.repeat(64)}`;
    const recording = await record(() => new ReleaseMap('release', { namespace: 'orrery', release }));
    assert.deepEqual(outline(recording), [
      'orrery:service:ReleaseMap release',
      'kubernetes:core/v1:ConfigMap release-map < release',
    ]);
    const { inputs } = resourceNamed(recording, 'release-map');
    assert.deepEqual(inputs['metadata'], { namespace: 'orrery', name: 'release' });
    assert.deepEqual(inputs['data'], { release });
    assert.equal(recording.result.mapName, 'release');
    assert.deepEqual([...recording.completed], ['release']);
  });
});
