from tests.website import site as site
