from django.db import migrations

# The policy's tests come before comparisons that could tell what it hides. Those of numeric could, those of double precision can't: only they
# reach the index. The exact number is compared too. What lies beyond a double's range is infinite, what is too close to 0 is 0.
KEY = """
ALTER TABLE memory_attribute ADD COLUMN number_key double precision GENERATED ALWAYS AS (
    CASE WHEN abs(number_value) < 1e-300 THEN 0 WHEN abs(number_value) < 1e300 THEN number_value::double precision
    WHEN number_value > 0 THEN 'Infinity' WHEN number_value < 0 THEN '-Infinity' END
) STORED
"""
NO_KEY = "ALTER TABLE memory_attribute DROP COLUMN number_key"
# the policy compares the scope: without it in the index, each entry's row would be read
INDEXES = """
DROP INDEX attribute_number;
DROP INDEX attribute_text;
CREATE INDEX attribute_number ON memory_attribute (organisation_id, key, number_key, memory_id) INCLUDE (number_value, scope_id)
    WHERE number_key IS NOT NULL;
CREATE INDEX attribute_text ON memory_attribute (organisation_id, key, text_value, memory_id) INCLUDE (scope_id)
    WHERE text_value IS NOT NULL;
"""
EARLIER = """
DROP INDEX attribute_number;
DROP INDEX attribute_text;
CREATE INDEX attribute_number ON memory_attribute (organisation_id, key, number_value, memory_id) WHERE number_value IS NOT NULL;
CREATE INDEX attribute_text ON memory_attribute (organisation_id, key, text_value, memory_id) WHERE text_value IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0031_objects")]

    operations = [migrations.RunSQL(KEY, NO_KEY), migrations.RunSQL(INDEXES, EARLIER)]
